"""docs/clinic.md tells staff nothing that is not so: names, numbers, pictures, and what happens when they try it out."""

import ast
import json
import re

import textstat
import yaml
from PIL import Image

from infusion_guide.clinic.data import DATA
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.replies import review
from infusion_guide.replies import rules as reply_rules
from infusion_guide.staff import application
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import clinic_answers, misses, tables

DOCS = ROOT / "docs"
GUIDE = (DOCS / "clinic.md").read_text(encoding="utf-8")
PRIVACY = (DOCS / "privacy.md").read_text(encoding="utf-8")
HARDEST_GRADE = 9.0
MOST_BYTES, MOST_BYTES_OF_ALL = 120_000, 900_000

# What the guide says will happen, as names of replies.
TEN_QUESTIONS = {
    "What is ketamine infusion therapy?": "utter_faq/what_is",
    "How fast does it work?": "utter_faq/rapid_onset",
    "What can help when a craving hits?": "utter_faq/cravings",
    "How can I support my wife in recovery?": "utter_faq/loved_one",
    "What does one visit cost?": "utter_uncovered/cost",
    "Can I drive home afterwards?": "utter_uncovered/driving",
    "Should I stop my antidepressant before an infusion?": "utter_advice/medication_change",
    "What is the capital of France?": "utter_fallback_out_of_scope",
    "Please have someone call me back": "utter_ask_callback_consent",
    "I want to die": "utter_crisis/suicide",
}


def prose(markdown):
    """The sentences that are read one after another: no tables, code, pictures, lists to tick, or the row of links."""
    text = re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S)
    kept = [line for line in text.splitlines() if not re.match(r"\||!\[|<img|#|- \[ \]|\[First day\]", line)]
    text = re.sub(r"`[^`]*`", "this", "\n".join(kept))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*>]|^\d\. |^- ", "", text, flags=re.M)


def strings(path):
    """Every text in a Python file."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def on_screen():
    """What stands on the staff pages and in the chat as a whole: headings, buttons, links, labels; in small letters."""
    code = ROOT / "infusion_guide"
    found = set()
    for template in [*(code / "staff" / "templates").glob("*.html"), *(code / "report" / "templates").glob("*.html")]:
        text = template.read_text(encoding="utf-8")
        found.update(re.findall(r'"([^"{}<>]+)"', " ".join(re.findall(r"{[{%].*?[%}]}", text, re.S))))
        found.update(re.split(r"<[^>]*>|\0", re.sub(r"{[{%#].*?[%}#]}", "\0", text, flags=re.S)))
    for path in [*(code / "staff").glob("*.py"), code / "report" / "page.py", code / "replies" / "topic.py"]:
        found |= strings(path)
    found |= set(misses.REASONS.values()) | set(review.STATES.values())
    found |= set(json.loads((ROOT / "widget" / "src" / "strings" / "en.json").read_text(encoding="utf-8")).values())
    for path in (DATA / "responses").glob("ask_callback_*.yml"):
        for variations in yaml.safe_load(path.read_text(encoding="utf-8"))["responses"].values():
            found.update(button["title"] for variation in variations for button in variation.get("buttons", []))
    return {" ".join(words.split()).lower() for words in found}


def bold(markdown):
    return re.findall(r"\*\*([^*\n]+)\*\*", markdown)


def test_words_in_bold_stand_on_the_screen():
    known = on_screen()
    assert len(bold(GUIDE)) > 50
    assert [words for words in bold(GUIDE) if words.lower() not in known] == []


def test_every_staff_page_is_explained_and_no_other():
    pages = {page.NAV[0] for page in application.PAGES}
    named = set(bold(GUIDE))
    assert pages <= named
    assert set(re.findall(r"page \*\*([^*]+)\*\*", GUIDE)) <= pages


def test_roles_see_what_the_guide_says():
    rows = dict(re.findall(r"^\| \*\*(Front desk|Clinician|Admin)\*\* \| (.+) \|$", GUIDE, re.M))
    told = {role: set(bold(words)) for role, words in rows.items()}
    front, clinician, admin = told["Front desk"], told["Clinician"], told["Admin"]
    named = {"front_desk": front, "clinician": front | clinician, "admin": front | clinician | admin}
    for role, pages in named.items():
        assert pages == {label for label, _, roles in (page.NAV for page in application.PAGES) if role in roles}, role


def test_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"`make ([a-z-]+)([^`]*)`", GUIDE)
    assert {"staff", "sign-off", "report", "doctor"} <= {target for target, _ in named}
    for target, rest in named:
        rule = re.search(rf"^{target}:.*\n(?:\t.*\n)*", makefile, re.M)
        assert rule, f"`make {target}`"
        for variable in re.findall(r"([A-Z]+)=", rest):
            assert f"$({variable})" in rule[0], f"`make {target} {variable}=`"


def test_settings_exist_and_have_the_values_that_are_named():
    fields = Settings.__dataclass_fields__
    named = re.findall(r"`([A-Z][A-Z_]+)`(?: = (\w+))?", GUIDE)
    assert {name for name in fields if name.startswith("keep_")} <= {name.lower() for name, value in named if value}
    for name, value in named:
        assert name.lower() in fields, name
        assert not value or str(fields[name.lower()].default) == value, name


def test_the_example_settings_are_accepted():
    lines = re.search(r"^```\n(.*?)^```", GUIDE, re.M | re.S)[1].splitlines()
    example = dict(line.split("=", 1) for line in lines)
    assert set(example) <= {name.upper() for name in Settings.__dataclass_fields__}
    Settings.read({**example, "ENCRYPTION_KEY": "A" * 43 + "="})


def test_days_and_limits_are_those_of_the_code():
    kept = Settings()
    days = {str(getattr(kept, f"keep_{what}_days")) for what in ("conversations", "requests", "counts")}
    assert set(re.findall(r"(\d+) days", GUIDE)) == days | {str(misses.DAYS)}
    for words in (
        f"at least {staff.SHORTEST} characters",
        f"{staff.MOST_WRONG} wrong passwords close an account for {staff.LOCKED / 60:.0f} minutes",
        f"live within {2 * clinic_answers.REFRESH:.0f} seconds",
        f"at most {reply_rules.MOST_WORDS} words, grade {reply_rules.HARDEST_GRADE:.0f} or easier",
        f"messages of the last {misses.DAYS} days",
        f"signed out after {kept.staff_session_minutes} minutes",
    ):
        assert words in GUIDE, words


def test_links_and_paths_lead_somewhere():
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", GUIDE, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        path, _, anchor = target.partition("#")
        assert not path or (DOCS / path).exists(), target
        assert not anchor or anchor in anchors, target
    for path in re.findall(r"`([\w.-]+/[\w./-]+)`", GUIDE):
        made = path.startswith("results/")
        assert (ROOT / path).exists() or (made and f"`{path}`" in GUIDE), path
    assert "results/sign-off.html" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_pictures_are_there_small_and_described():
    linked = re.findall(r"!\[([^\]]*)\]\((clinic/[^)]+)\)", GUIDE)
    linked += [(words, path) for path, words in re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]+)">', GUIDE)]
    present = sorted((DOCS / "clinic").iterdir())
    assert sorted(DOCS / path for _, path in linked) == present
    assert all(len(words) > 20 for words, _ in linked)
    assert max(path.stat().st_size for path in present) < MOST_BYTES
    assert sum(path.stat().st_size for path in present) < MOST_BYTES_OF_ALL
    for path in present:
        with Image.open(path) as picture:
            assert picture.width in (780, 816, 1100), path.name


def test_it_is_easy_to_read():
    assert textstat.flesch_kincaid_grade(prose(GUIDE)) <= HARDEST_GRADE
    assert "\u2014" not in GUIDE


def test_privacy_names_every_table_and_the_days():
    for table in tables.metadata.sorted_tables:
        assert f"`{table.name}`" in PRIVACY, table.name
    for name in ("keep_conversations_days", "keep_requests_days", "keep_counts_days"):
        row = re.search(rf"`{name.upper()}`[^|]*\((\d+) unless you change it\)", PRIVACY)
        assert row and int(row[1]) == getattr(Settings(), name), name


def test_the_ten_questions_do_what_the_guide_says(new_talk):
    section = GUIDE.split("Try ten questions")[1].split("\n### ")[0]
    asked = [question for question, _ in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.M)]
    assert asked[1:] == list(TEN_QUESTIONS)
    assert {question: new_talk().say(question)[0] for question in TEN_QUESTIONS} == TEN_QUESTIONS

"""The report as a page: what was found in words, a plot, and the table behind it; and the tables alone for spreadsheets."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

from markupsafe import Markup

from infusion_guide.clinic.settings import settings
from infusion_guide.replies.book import topic_title
from infusion_guide.replies.topic import Topic
from infusion_guide.report import plots
from infusion_guide.report.disclosure import Count, Parts, share
from infusion_guide.report.figures import Figures
from infusion_guide.report.jinja import templates

FOLDER = Path(__file__).resolve().parent / "templates"
STYLE = FOLDER / "report.css"
CSV_HEADER = ("Table", "Row", "Column", "Value")
_MOST_NEXT = 15

_OUTCOMES = {
    "answered": ("Answered", plots.BLUE),
    "uncovered": ("No answer written yet", plots.ORANGE),
    "declined": ("Declined", plots.PURPLE),
    "missed": ("Not understood", plots.RED),
}
_WHAT_IT_MEANS = {
    "answered": "from the clinic's document or in the clinic's own words",
    "uncovered": "the clinic's document says nothing on it",
    "declined": "a personal medical question or a request for drugs, led to a professional",
    "missed": "the assistant asked again or gave the clinic's number",
}


@dataclass(frozen=True)
class Table:
    """One table: the cells of a row in the order of `header`; the first cell names the row. Everything is text."""

    name: str  # of its file
    caption: str
    header: Sequence[str]
    rows: List[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """One part of the report. `alt` says in words what `plot` shows; without data there is neither plot nor table."""

    title: str
    finding: str
    table: Optional[Table] = None
    plot: Optional[Callable[[], str]] = None
    alt: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Notice:
    """What to look at first: a number, what it counts, and what to do."""

    number: str
    title: str
    advice: str
    urgent: bool


def lead(figures: Figures, today: Optional[date] = None) -> str:
    """The one sentence that matters: In the last 30 days the assistant answered 412 of 530 questions (78%)."""
    period, questions = figures.period, figures.questions
    when = f"In the last {period.days} days" if period.last == today and period.days > 1 else f"{_from(figures)},"
    if not questions.number:
        return f"{when} nobody asked the assistant a question."
    answered = figures.outcomes["answered"]
    percent = share(answered, questions)
    return f"{when} the assistant answered {_spoken(answered)} of {_spoken(questions, 'question')}{percent and f' ({percent})'}."


def rest(figures: Figures) -> str:
    """What became of the other questions: Of the others, 75 had no answer written yet; empty when there were none."""
    words = {"uncovered": "had no answer written yet", "declined": "were declined", "missed": "were not understood"}
    parts = [f"{_spoken(figures.outcomes[name])} {said}" for name, said in words.items() if figures.outcomes[name].number]
    return f"Of the others, {_and(parts)}." if parts else ""


def notices(figures: Figures) -> List[Notice]:
    """What comes before everything else: danger, doubt, people who wait."""
    kinds, waiting = figures.messages.breakdowns["kind"], figures.requests.breakdowns["state"]["open"]
    crisis, check_in = kinds["crisis"], kinds["check_in"]
    return [
        Notice(
            crisis.text,
            "messages sounded like a crisis",
            "Each person was shown the emergency and crisis numbers at once. A clinician should read every one of these "
            "conversations, the same day if possible (staff pages, Conversations)."
            if crisis.number
            else "Nothing to do.",
            bool(crisis.number),
        ),
        Notice(
            check_in.text,
            "messages made the assistant ask how the person is",
            "They could have meant danger, or not. The numbers were in sight. Read a few: if most were everyday questions, "
            "tell whoever looks after the assistant."
            if check_in.number
            else "Nothing to do.",
            False,
        ),
        Notice(
            waiting.text,
            "call-back requests of these days are still open",
            "Somebody waits for a call. Take them on the staff pages, Requests." if waiting.number else "Nobody waits.",
            bool(waiting.number),
        ),
    ]


def sections(figures: Figures) -> List[Section]:
    """The parts of the report, in order."""
    return [
        _safety(figures),
        _unwritten(figures),
        _outcomes(figures),
        _conversations(figures),
        _outcomes_by_step(figures),
        _topics(figures),
        _hours(figures),
        _channels(figures),
        _languages(figures),
        _thumbs(figures),
        _requests(figures),
    ]


def tables(figures: Figures) -> List[Table]:
    """All tables that have rows."""
    return [section.table for section in sections(figures) if section.table]


def csv_rows(found: Sequence[Table]) -> Iterator[Tuple[str, str, str, str]]:
    """Every cell of the tables `found` with its place: columns CSV_HEADER."""
    for table in found:
        for row in table.rows:
            for column, cell in zip(table.header[1:], row[1:]):
                yield table.name, row[0], column, cell


def body(figures: Figures, csv_link: str = "", today: Optional[date] = None) -> Markup:
    """The report's HTML below its first heading; draws the plots, which takes a second.

    `csv_link`: address of the CSV files, to which a table's name is added; without it there are no links.
    """
    return Markup(
        _templates()
        .get_template("body.html")
        .render(
            lead=lead(figures, today),
            rest=rest(figures),
            notices=notices(figures),
            sections=sections(figures),
            image=lambda plot: plots.data_address(plot()),
            csv_link=csv_link,
            period=figures.period,
            exact=figures.exact,
        )
    )


def document(figures: Figures, today: Optional[date] = None) -> str:
    """The whole report as one HTML file that needs nothing else."""
    return (
        _templates()
        .get_template("document.html")
        .render(
            body=body(figures, today=today),
            style=Markup(STYLE.read_text(encoding="utf-8")),
            clinic_name=settings().clinic_name,
            period=figures.period,
            today=today,
        )
    )


# ---- The parts ----


def _outcomes(figures: Figures) -> Section:
    questions, kinds = figures.questions, figures.messages.breakdowns["kind"]
    if not figures.messages.number:
        return Section("What became of the questions", "There were no messages in this time.")
    rows = [
        (_OUTCOMES[name][0], count.text, share(count, questions), _WHAT_IT_MEANS[name])
        for name, count in figures.outcomes.items()
    ]
    rows += [
        ("All questions", questions.text, "", ""),
        ("Crisis", kinds["crisis"].text, "", "got the crisis reply with the numbers to call"),
        ("Check-in", kinds["check_in"].text, "", "could have meant danger; the assistant asked"),
        ("Other messages", kinds["other"].text, "", "greetings, thanks, buttons, forms"),
        ("All messages", figures.messages.text, "", ""),
    ]
    shown = {_OUTCOMES[name][0]: count for name, count in figures.outcomes.items()}
    return Section(
        "What became of the questions",
        f"{_capital(_spoken(figures.messages, 'message'))} came in, {_spoken(questions)} of them questions; "
        "others are greetings, thanks and the like.",
        Table("outcomes", "Messages by what became of them", ("Messages", "Number", "Share of questions", "Meaning"), rows),
        partial(plots.ranked, shown, plots.BLUE) if questions.number else None,
        f"Bars: {_listed(shown)}.",
    )


def _conversations(figures: Figures) -> Section:
    whole, unit = figures.conversations, figures.period.unit
    title = f"Conversations a {unit}"
    if not whole.number:
        return Section(title, "There were no conversations in this time.")
    steps = whole.breakdowns["step"]
    return Section(
        title,
        f"{_capital(_spoken(whole, 'conversation'))} began; {_most(steps, unit)}.",
        Table("conversations", title, (_capital(unit), "Conversations"), [*_rows(steps), ("All", whole.text)]),
        partial(plots.columns, steps, plots.BLUE),
        f"Bars, one a {unit}, of {_extent(figures)}: {_most(steps, unit)}.",
    )


def _outcomes_by_step(figures: Figures) -> Section:
    unit = figures.period.unit
    title = f"Questions a {unit}"
    if not figures.questions.number:
        return Section(title, "There were no questions in this time.")
    found = figures.outcomes
    rows = {_OUTCOMES[name][0]: count.breakdowns["step"] for name, count in found.items() if count.number}
    labels = list(found["answered"].breakdowns["step"])
    cells = [(label, *(count.breakdowns["step"][label].text for count in found.values())) for label in labels]
    missed = found["missed"]
    worst = _most(missed.breakdowns["step"], unit) if missed.number else ""
    return Section(
        title,
        f"Of the questions that were not understood, {worst}." if worst else "Every question was understood.",
        Table(
            "questions",
            f"{title}, by what became of them",
            (_capital(unit), *(_OUTCOMES[name][0] for name in found)),
            [*cells, ("All", *(count.text for count in found.values()))],
        ),
        partial(plots.panels, rows, dict(_OUTCOMES.values())),
        f"Bars, one a {unit}, of {_extent(figures)}, in a row for each: {', '.join(rows)}.",
    )


def _topics(figures: Figures) -> Section:
    title, shown = "What people ask about", _titled(figures.topics)
    if not shown:
        return Section(title, "No topic came up." if figures.exact else "No topic came up five times or more.")
    often = "" if figures.exact else " five times or more"
    kinds = {"faq": "answered", "uncovered": "no answer written yet", "advice": "declined", "misuse": "declined"}
    rows = [(topic_title(name), count.text, kinds[Topic.of(name).kind]) for name, count in figures.topics.items()]
    return Section(
        title,
        f"Most often people asked about {_first(shown)}.",
        Table("topics", f"Topics asked{often}, the 15 most frequent", ("Topic", "Times", "What happens"), rows),
        partial(plots.ranked, shown, plots.BLUE),
        f"Bars: {_listed(shown)}.",
    )


def _safety(figures: Figures) -> Section:
    title, crisis = "Is it safe?", figures.messages.breakdowns["kind"]["crisis"]
    states, check_in = figures.notices.breakdowns["state"], figures.messages.breakdowns["kind"]["check_in"]
    if not (crisis.number or check_in.number or figures.notices.number):
        return Section(title, "No message sounded like danger in this time, and no notice of one was due.")
    kinds = {topic_title(name) if name != "other" else "Of no single kind": c for name, c in crisis.breakdowns["kind"].items()}
    kinds = {name: count for name, count in kinds.items() if count.number}
    rows = [(f"Found as: {name}", count.text) for name, count in kinds.items()]
    rows += [(f"Came by: {name}", c.text) for name, c in crisis.breakdowns["channel"].items() if c.number]
    rows += [("All crises", crisis.text), ("Asked first how the person is", check_in.text)]
    rows += [(f"Notices {state}", count.text) for state, count in states.items()]
    rows.append(("Median time until a notice was delivered", _duration(figures.until_told, figures.exact)))
    late = states["waiting"].number or states["given up"].number
    told = (
        f"Of {_spoken(figures.notices, 'notice')} to staff, {_spoken(states['delivered'])} {_was(states['delivered'])} delivered"
    )
    told += f", {_spoken(states['waiting'])} waited and {_spoken(states['given up'])} failed." if late else "."
    unsure = "Notices are known for a week after they were delivered; before that they are not counted here."
    return Section(
        title,
        f"{_capital(_spoken(crisis))} {_was(crisis)} found as a crisis, and each was shown the numbers to call at once. "
        + (told if figures.notices.number else "No notice to staff is on record for these days."),
        Table(
            "safety", "Crises by what they were found as and where they came from, and notices to staff", ("What", "Number"), rows
        ),
        partial(plots.ranked, kinds, plots.RED) if kinds else None,
        f"Bars: {_listed(kinds)}." if kinds else "",
        ("Notices did not get through: tell the engineer now (make doctor). " if late else "") + unsure,
    )


def _unwritten(figures: Figures) -> Section:
    title = "What should we write next?"
    labels = {Topic.of(name).label: count for name, count in figures.unwritten.items()}
    both = sorted({*labels, *figures.missed}, key=lambda label: -_wanted(label, labels, figures.missed))[:_MOST_NEXT]
    often = "" if figures.exact else " five times or more"
    if not both:
        return Section(title, f"No topic without an answer came up{often}, and none was missed{often}.")
    none = Count(0)
    rows = [(topic_title(each), labels.get(each, none).text, figures.missed.get(each, none).text) for each in both]
    shown = {topic_title(label): count for label, count in labels.items()}
    finding = f"People asked most about {_first(shown)}, where nothing is written yet." if shown else ""
    missed = {topic_title(label): count for label, count in figures.missed.items()}
    finding += f" Most often missed, maybe about: {_first(missed)}." if missed else ""
    drawn = shown or missed
    return Section(
        title,
        finding.strip(),
        Table(
            "next", f"Topics that came up{often} without a good answer", ("Topic", "No answer written", "Not understood"), rows
        ),
        partial(plots.ranked, drawn, plots.ORANGE),
        f"Bars: {_listed(drawn)}.",
        "Write an answer of your own to the first column (Answers, or First day with its blanks); teach the second (Unanswered). "
        "The top of this list helps the most people.",
    )


def _wanted(label: str, unwritten: Parts, missed: Parts) -> float:
    """How many people a topic would help, as far as it is shown."""
    return sum(parts[label].size for parts in (unwritten, missed) if label in parts)


def _hours(figures: Figures) -> Section:
    title, hours = "Busiest hours", figures.messages.breakdowns["hour"]
    if not figures.messages.number:
        return Section(title, "There were no messages in this time.")
    busiest = max(hours, key=lambda hour: hours[hour].size)
    finding = f"The hour with the most messages begins at {_clock(busiest)}: {_spoken(hours[busiest], 'message')} in all."
    if hours[busiest].hidden:
        finding = "No hour of the day had five messages or more."
    return Section(
        title,
        finding,
        Table("hours", "Messages by hour of the day", ("From", "Messages"), [(_clock(h), c.text) for h, c in hours.items()]),
        partial(plots.columns, {_clock(hour): count for hour, count in hours.items()}, plots.GREEN),
        f"Bars, one an hour, from midnight to midnight. {finding}",
        f"Hours are those of the clinic ({figures.period.zone.key}).",
    )


def _shares(title: str, none: str, finding: str, key: str, name: str, counts: Parts, column: str) -> Section:
    """A section on what a total is made of: its parts by name (`key`), largest first, with their shares."""
    if not counts.number:
        return Section(title, none)
    parts = counts.breakdowns[key]
    rows = [(part, count.text, share(count, counts)) for part, count in parts.items()]
    return Section(
        title,
        f"{finding}: {_first(parts)}.",
        Table(f"{key}s", name, (key.capitalize(), column, "Share"), rows),
        partial(plots.ranked, parts, plots.BLUE),
        f"Bars: {_listed(parts)}.",
    )


def _channels(figures: Figures) -> Section:
    none, finding = "There were no conversations in this time.", "Most conversations began here"
    name, column = "Conversations by channel", "Conversations"
    return _shares("Where people write", none, finding, "channel", name, figures.conversations, column)


def _languages(figures: Figures) -> Section:
    none, finding = "There were no messages in this time.", "Messages by language"
    return _shares("Which language people write in", none, finding, "language", finding, figures.messages, "Messages")


def _thumbs(figures: Figures) -> Section:
    title, whole = "Thumbs", figures.thumbs
    up, down = whole.breakdowns["kind"]["up"], whole.breakdowns["kind"]["down"]
    if not whole.number:
        return Section(title, "Nobody has pressed a thumb in this time.")
    percent, header = share(up, whole), ("Answer", "Up", "Down")
    topics = {topic_title(name) if name != "other" else "All other answers": c for name, c in down.breakdowns["topic"].items()}
    rows = [("All answers", up.text, down.text), *((name, "", count.text) for name, count in topics.items())]
    return Section(
        title,
        f"{_capital(_spoken(up))} of {_spoken(whole, 'thumb')} pointed up{percent and f' ({percent})'}.",
        Table("thumbs", f"Thumbs; answers with {'thumbs down' if figures.exact else 'five thumbs down or more'}", header, rows),
        partial(plots.ranked, {"Up": up, "Down": down}, plots.GREEN),
        f"Bars: {_listed({'up': up, 'down': down})}.",
        "Answers with many thumbs down deserve another look by a clinician." if down.number else "",
    )


def _requests(figures: Figures) -> Section:
    title, whole = "Call-back requests", figures.requests
    if not whole.number:
        return Section(title, "Nobody asked for a call-back in this time.")
    state = whole.breakdowns["state"]
    rows = [
        ("Asked for", whole.text),
        ("Open now", state["open"].text),
        ("Finished", state["finished"].text),
        ("Median time until taken", _duration(figures.until_taken, figures.exact)),
        ("Median time until finished", _duration(figures.until_done, figures.exact)),
    ]
    if figures.open_until_taken is not None:
        rows.append(("Median time until taken, in opening hours", _duration(figures.open_until_taken, figures.exact)))
    if figures.open_until_done is not None:
        rows.append(("Median time until finished, in opening hours", _duration(figures.open_until_done, figures.exact)))
    half = f" Half of them were taken within {_duration(figures.until_taken)}." if figures.until_taken is not None else ""
    return Section(
        title,
        f"{_capital(_spoken(whole, 'call-back'))} {_was(whole)} asked for.{half}",
        Table("requests", "Call-back requests", ("Call-backs", "Number or time"), rows),
    )


# ---- Words ----


def _spoken(count: Count, noun: str = "") -> str:
    """For example: 412 questions, 1,020, fewer than five questions, none, no questions."""
    text = count.text
    if text == "0":
        return f"no {noun}s" if noun else "none"
    text = text.replace("<5", "fewer than five").replace("<", "fewer than ").replace("not shown", "an unknown number of")
    return f"{text} {noun}s" if noun else text.replace("number of", "number")


def _was(count: Count) -> str:
    return "were" if count.number else "was"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _from(figures: Figures) -> str:
    return ("On " if figures.period.days == 1 else "From ") + figures.period.words


def _extent(figures: Figures) -> str:
    return figures.period.words


def _most(parts: Parts, unit: str) -> str:
    """For example: the most on Nov 12 (31)."""
    label = max(parts, key=lambda name: parts[name].size)
    if parts[label].hidden:
        return f"no {unit} had five or more"
    place = {"day": "on", "week": "in the week of", "month": "in"}[unit]
    return f"the most {place} {label} ({parts[label].text})"


def _first(parts: Parts) -> str:
    """The first three with their numbers: Price (60), Insurance (41) and Safety and risks (12)."""
    return _and([f"{name} ({count.text})" for name, count in list(parts.items())[:3]])


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _listed(parts: Parts) -> str:
    return ", ".join(f"{name} {count.text}" for name, count in parts.items())


def _titled(parts: Parts) -> Parts:
    return {topic_title(name): count for name, count in parts.items()}


def _rows(parts: Parts) -> List[Sequence[str]]:
    return [(name, count.text) for name, count in parts.items()]


def _clock(hour: str) -> str:
    """For example: 9 AM, of "09"."""
    number = int(hour)
    return f"{number % 12 or 12} {'AM' if number < 12 else 'PM'}"


def _duration(seconds: Optional[float], exact: bool = False) -> str:
    """For example: 2 h 10 min; 3 days 4 h."""
    if seconds is None:
        return "none yet" if exact else "not shown (fewer than five)"
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} day{'s' * (days > 1)} {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


_templates = lru_cache(maxsize=1)(partial(templates, FOLDER))

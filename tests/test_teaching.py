"""Teaching without a model: lines wait, a trial decides, nothing half done stays, whoever is killed where."""

import json
import os
import signal

import pytest

from infusion_guide.engine import training as train
from infusion_guide.engine.training import fingerprint, model_path
from infusion_guide.evaluate.scores import RATES
from infusion_guide.storage import taught as room
from infusion_guide.teaching import command, trial, waiting
from infusion_guide.teaching.groups import Sorter
from infusion_guide.teaching.train import finish_killed_trial
from infusion_guide.teaching.trial import Failed, Tools
from infusion_guide.teaching.waiting import Checks, Line
from infusion_guide.text.redaction import redact
from tests.rooms import ROOT, measured, trained

COST = "what do guests pay"
NLU = 'version: "3.1"\nnlu:\n- intent: {label}\n  examples: |\n    - {sentence}\n'


@pytest.fixture
def project(tmp_path):
    """A project with two topics, ten held-out sentences of each, and a model."""
    for name in ("config.yml", "domain.yml", "requirements/base.txt", ".env"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("CLINIC_NAME=x", encoding="utf-8")
    for label in ("faq/cravings", "uncovered/cost"):
        path = tmp_path / "data" / "nlu" / f"{label}.yml"
        path.parent.mkdir(parents=True)
        path.write_text(NLU.format(label=label, sentence=f"about {label}"), encoding="utf-8")
        held = tmp_path / "tests" / "heldout" / f"{label}.yml"
        held.parent.mkdir(parents=True)
        held.write_text(json.dumps({"sentences": [f"{label} {n}" for n in range(10)]}), encoding="utf-8")
    for folder in ("infusion_guide/nlu", "infusion_guide/engine/policies", "data/taught", "models"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "infusion_guide" / "engine" / "policies" / "intent_rule_policy.py").touch()
    model_path(tmp_path).write_text("the former model", encoding="utf-8")
    return tmp_path


class Fake:
    """Commands of a trial that compute nothing; `wrong` sentences are answered wrongly by the new model."""

    def __init__(self, **instead):
        self.done = []
        self.wrong = []
        self.instead = instead  # what else to do at a step
        self.tools = Tools(self.measure, self._step("check"), self.train, self._step("test"))

    def _step(self, name):
        def run(copy):
            self.done.append(name)
            self.instead.get(name, lambda copy: None)(copy)

        return run

    def train(self, copy):
        self._step("train")(copy)
        model_path(copy).write_text("the new model", encoding="utf-8")

    def measure(self, copy, texts):
        self._step("measure")(copy)
        new = any(room.files(copy))
        return [self.outcome(text, new and text in self.wrong) for text in texts]

    @staticmethod
    def outcome(text, wrong):
        kind, topic = text.split(" ")[0].split("/") if "/" in text else ("uncovered", "cost")
        return {"text": text, "kind": "fallback" if wrong else kind, "topic": None if wrong else topic, "replies": ["utter_x"]}


def wait(project, *texts, topic="uncovered/cost", **values):
    waiting.add([Line(topic, text, "carla", waiting.utc(1.0), **values) for text in texts], project)


def test_what_may_be_taught_are_labels_wherever_their_sentences_stand(project):
    """Not danger, not what is about a language, and no folder or family: Spanish and twins stand under topics, too."""
    for path, label in (("es/faq/cravings", "faq/cravings"), ("es/chitchat/lonely", "chitchat/lonely"), ("spanish", "spanish")):
        (project / "data" / "nlu" / path).parent.mkdir(parents=True, exist_ok=True)
        (project / "data" / "nlu" / f"{path}.yml").write_text(NLU.format(label=label, sentence="x"), encoding="utf-8")
    (project / "data" / "nlu" / "pairs").mkdir()
    twins = NLU.format(label="crisis/overdose", sentence="x") + NLU.format(label="chitchat/just_saying", sentence="y")[18:]
    (project / "data" / "nlu" / "pairs" / "medicine_taken.yml").write_text(twins, encoding="utf-8")
    (project / "data" / "nlu" / "ask_source.yml").write_text(NLU.format(label="ask_source", sentence="z"), encoding="utf-8")
    found = {kind: labels for kind, labels in waiting.topics(project).items() if labels}
    assert found == {
        "faq": ["faq/cravings"],
        "uncovered": ["uncovered/cost"],
        "chitchat": ["chitchat/just_saying", "chitchat/lonely"],
        "": ["ask_source"],
    }


def fail(words):
    def run(_):
        raise Failed(words)

    return run


def untouched(project, before):
    """Nothing but what waits differs from `before`, and no copy is left."""
    assert fingerprint(project) == before and list(room.files(project)) == []
    assert model_path(project).read_text(encoding="utf-8") == "the former model"
    assert not list((project / "results").glob("trial-*"))


# ---- What waits ----


def test_lines_come_back_as_they_were_written(project):
    wait(project, COST, "¿cuánto cuesta? - yes: \"really\" # 'no'")
    wait(project, COST)  # known already
    assert [line.text for line in waiting.waiting(project)] == [COST, "¿cuánto cuesta? - yes: \"really\" # 'no'"]
    assert waiting.waiting(project)[0] == Line("uncovered/cost", COST, "carla", "1970-01-01T00:00:01.000Z")
    waiting.remove(lambda line: line.text == COST, project)
    assert len(waiting.waiting(project)) == 1
    (project / "data" / "taught" / "waiting.yml").write_text("waiting: [1]", encoding="utf-8")
    with pytest.raises(ValueError, match="waiting.yml cannot be read"):
        waiting.waiting(project)


def in_child(work):
    """The process of `work`."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def test_members_who_write_at_once_lose_nothing(project):
    def write(member):
        for number in range(10):
            wait(project, f"sentence {number} of member {member}")

    children = [in_child(lambda member=member: write(member)) for member in range(4)]
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert len(waiting.waiting(project)) == 40


@pytest.fixture(scope="module")
def checks():
    return Checks(redact, lambda text: "kill myself" in text)


def heldout():
    return next(text for text in measured("heldout")["faq/cravings"] if len(text.split()) > 4)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("x", "this one has 1"),
        ("x" * 201, "this one has 201"),
        ("may [name] park here", "in brackets"),
        ("the {clinic_name} door", "in brackets"),
        ("[door](place)", "in brackets"),
        ("where\tdo I park", "plain words"),
        ("!!", "plain words"),
        ("call me at 555-010-0199 about parking", "(call me at [phone] about parking)"),
        ("I want to kill myself", "reads like somebody in danger"),
        (trained()["faq/depression"][0].upper() + "??", "for the topic Depression"),
        (heldout(), "measured with"),
        (heldout().upper(), "measured with"),
    ],
)
def test_what_may_not_be_taught(checks, text, problem):
    assert problem in checks.complaint(text, "uncovered/booking_logistics")


def test_what_may_be_taught(checks):
    assert checks.complaint("is there a car park by the door", "uncovered/booking_logistics") is None
    known = trained()["uncovered/cost"][0]
    assert checks.is_trained(known, "uncovered/cost") and not checks.is_trained(known, "faq/cravings")
    for topic in ("crisis/suicide", "spanish", "out_of_scope", "", "uncovered/no_such"):
        assert checks.complaint("is there a car park by the door", topic) == "Please choose a topic from the list."


def test_what_waits_for_one_topic_cannot_wait_for_another(project):
    wait(project, COST)
    checks = Checks(str, lambda text: False, project)
    assert "waiting already" in checks.complaint("What do guests pay?", "faq/cravings")
    assert checks.complaint("What do guests pay?", "uncovered/cost") is None


def test_one_sentence_a_line():
    assert waiting.tidy(" - How much?\n\n\u200bhow much\r\n/restart \nHOW MUCH!") == ["How much?", "restart"]


# ---- The trial ----


def test_what_passes_goes_live(project):
    wait(project, COST)
    fake, before = Fake(), model_path(project)
    found = trial.run(fake.tools, project)
    assert fake.done == ["measure", "check", "train", "measure", "measure", "test"]
    assert found["state"] == "released" and found["answered"] == ["uncovered/cost"]
    assert len(found["before"]) == len(found["after"]) > 2
    assert room.taught(project) == {"uncovered/cost": [COST]} and room.is_tried(project)
    assert waiting.waiting(project) == []
    assert model_path(project) != before and model_path(project).read_text(encoding="utf-8") == "the new model"
    assert before.exists(), "the model that is running now"
    assert trial.released(project) == model_path(project)
    assert not list((project / "results").glob("trial-*"))


def test_who_keeps_the_assistant_running_is_told_once(project):
    watch = trial.Watch(project)
    assert watch.fresh() is None
    wait(project, COST)
    trial.run(Fake(test=fail("no")).tools, project)
    assert watch.fresh() is None
    trial.run(Fake().tools, project)
    assert watch.fresh() == model_path(project)
    assert watch.fresh() is None and trial.Watch(project).fresh() is None


def test_the_present_model_is_measured_once(project):
    wait(project, COST)
    trial.run(Fake(test=fail("no")).tools, project)
    again = Fake()
    assert trial.run(again.tools, project)["state"] == "released"
    assert again.done.count("measure") == 1  # the taught line alone: both models are known
    assert trial.run(again.tools, project)["reason"] == "Nothing is waiting."


@pytest.mark.parametrize("step", ["measure", "check", "train", "test"])
def test_what_fails_changes_nothing(project, step):
    wait(project, COST)
    before = fingerprint(project)
    found = trial.run(Fake(**{step: fail("it broke")}).tools, project)
    assert (found["state"], found["reason"]) == ("refused", "it broke")
    untouched(project, before)
    assert waiting.waiting(project)[0].held.endswith(": it broke")
    assert trial.released(project) is None


def test_a_fall_beyond_the_margin_does_not_go_live(project):
    wait(project, COST)
    before = fingerprint(project)
    fake = Fake()
    fake.wrong = ["uncovered/cost 1", "uncovered/cost 2"]
    found = trial.run(fake.tools, project)
    assert found["state"] == "refused" and "uncovered: right kind (1.000 before, 0.800 now, bound >= 0.87)" in found["reason"]
    assert "test" not in fake.done
    untouched(project, before)


def rows(name, rate, count=259):
    sign, bound = next((row[3], row[4]) for row in RATES if row[0] == name)
    return [(name, rate, count, f"{sign} {bound:.2f}", rate >= bound if sign == ">=" else rate <= bound)]


@pytest.mark.parametrize(
    "name, before, after, count, refused",
    [
        ("faq: right topic", 0.888, 0.879, 259, False),
        ("faq: right topic", 0.888, 0.877, 259, True),
        ("faq: right topic", 0.832, 0.828, 259, True),  # the bound
        ("faq: right topic", 0.826, 0.828, 259, True),  # better, and still below the bound
        ("advice: right kind", 55 / 60, 54 / 60, 60, False),  # one sentence
        ("advice: right kind", 55 / 60, 53 / 60, 60, True),
        ("crisis found, check-in included", 228 / 230, 227 / 230, 230, True),  # one person
        ("crisis found, check-in included", 227 / 230, 228 / 230, 230, False),
        ("crisis or check-in on ordinary messages", 0.010, 0.019, 499, False),
        ("crisis or check-in on ordinary messages", 0.005, 0.016, 499, True),
        ("crisis or check-in on ordinary messages", 0.029, 0.031, 499, True),
    ],
)
def test_the_margin(name, before, after, count, refused):
    assert bool(trial.worse(rows(name, before, count), rows(name, after, count))) == refused


def test_a_project_that_changes_meanwhile_proves_nothing(project):
    wait(project, COST)
    change = lambda copy: (project / "domain.yml").write_text("changed", encoding="utf-8")  # noqa: E731
    assert "changed while the trial ran" in trial.run(Fake(test=change).tools, project)["reason"]
    take_off = lambda copy: waiting.remove(lambda line: True, project)  # noqa: E731
    assert "taken off the list" in trial.run(Fake(test=take_off).tools, project)["reason"]
    assert room.taught(project) == {}


def test_what_is_taught_while_a_trial_runs_waits_for_the_next(project):
    wait(project, COST)
    assert trial.run(Fake(train=lambda copy: wait(project, "is it dear")).tools, project)["state"] == "released"
    assert [line.text for line in waiting.waiting(project)] == ["is it dear"]


def test_what_was_taught_is_taken_out_the_same_way(project):
    wait(project, COST)
    trial.run(Fake().tools, project)
    wait(project, COST, withdraw=True)
    assert trial.run(Fake().tools, project)["state"] == "released"
    assert room.taught(project) == {} and not (project / "data" / "taught" / "uncovered" / "cost.yml").exists()
    assert room.is_tried(project) and model_path(project).exists()


def test_the_copy_has_no_settings_and_no_conversations(project):
    (project / "conversations.db").write_text("x", encoding="utf-8")
    wait(project, COST)
    seen = []
    trial.run(Fake(check=lambda copy: seen.extend(path.name for path in copy.iterdir())).tools, project)
    assert "data" in seen and ".env" not in seen and "conversations.db" not in seen


def test_one_trial_at_a_time(project, monkeypatch):
    monkeypatch.setattr(trial, "_WAIT", 0.1)
    wait(project, COST)

    def second(_):
        assert trial.is_running(project) and trial.state(project)["state"] == "running"
        with pytest.raises(trial.Running):
            trial.run(Fake().tools, project)

    assert trial.run(Fake(train=second).tools, project)["state"] == "released"
    assert not trial.is_running(project)


# ---- Killed ----


def killed(work):
    """Runs `work` in a process that kills itself on the way."""
    assert os.waitstatus_to_exitcode(os.waitpid(in_child(work), 0)[1]) == -signal.SIGKILL


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("step", ["measure", "train", "test"])
def test_killed_in_a_trial(project, step):
    wait(project, COST)
    before = fingerprint(project)
    killed(lambda: trial.run(Fake(**{step: kill}).tools, project))
    found = trial.state(project)
    assert found["state"] == "interrupted" and "Nothing was changed" in found["reason"]
    trial.recover(project)
    untouched(project, before)
    assert [line.text for line in waiting.waiting(project)] == [COST]
    assert trial.run(Fake().tools, project)["state"] == "released"


def kill_going_live(place):
    """From now on this process kills itself at a place of going live."""
    release, replace = trial._release, room.replace

    def release_and_die(*args):
        if place == "between two files":
            room.replace = lambda path, text: kill() if path.name == "tried.yml" else replace(path, text)
        elif place == "before the files":
            room.write = kill
        elif place == "before the list":
            trial.remove = kill
        else:
            trial._marker = kill
        release(*args)

    trial._release = release_and_die


@pytest.mark.parametrize("place", ["before the files", "between two files", "before the list", "before the marker"])
def test_killed_while_going_live(project, place):
    """Nothing untried may be trained meanwhile, and whoever comes next finishes it."""
    wait(project, COST, "is it dear")
    killed(lambda: (kill_going_live(place), trial.run(Fake().tools, project)))
    assert trial.state(project)["state"] == "releasing"
    assert room.is_tried(project) == (place != "between two files")
    finish_killed_trial(project)  # as `make run` does
    train._refuse_untried(project)
    trial.recover(project)
    assert trial.state(project)["state"] == "released"
    assert room.taught(project) == {"uncovered/cost": [COST, "is it dear"]} and room.is_tried(project)
    assert waiting.waiting(project) == [] and trial.released(project).read_text(encoding="utf-8") == "the new model"
    assert not list((project / "results").glob("trial-*"))


def test_a_copy_that_is_gone_takes_nothing_away(project):
    room.write({"uncovered/cost": [COST]}, project)
    (project / "results").mkdir()
    gone = {"state": "releasing", "copy": "trial-gone", "lines": [], "model": "x", "former": "x"}
    (project / "results" / "teaching.json").write_text(json.dumps(gone), encoding="utf-8")
    trial.recover(project)
    assert room.taught(project) == {"uncovered/cost": [COST]} and trial.state(project)["state"] == "failed"


# ---- What may be trained ----


def test_sentences_that_were_never_tried_are_not_trained(project, monkeypatch):
    room.write({"uncovered/cost": [COST]}, project)
    assert room.is_tried(project)
    path = project / "data" / "taught" / "uncovered" / "cost.yml"
    path.write_text(path.read_text(encoding="utf-8") + "    - by hand\n", encoding="utf-8")
    assert not room.is_tried(project)
    with pytest.raises(SystemExit, match="data/taught/ holds sentences that no trial let pass"):
        train._refuse_untried(project)
    monkeypatch.setattr(train.room, "is_tried", lambda project: False)
    with pytest.raises(SystemExit, match="no trial let pass"):
        train.ensure_model()
    wait(project, "is it dear")
    assert "changed without a trial" in trial.run(Fake().tools, project)["reason"]


def test_what_waits_is_no_training_input(project):
    before = fingerprint(project)
    wait(project, COST)
    assert fingerprint(project) == before
    room.write({"uncovered/cost": [COST]}, project)
    assert fingerprint(project) != before


def test_rasa_reads_what_was_taught_and_nothing_that_waits(project):
    from rasa.shared.data import get_data_files
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

    wait(project, COST)
    room.write({"uncovered/cost": ["is it dear? # yes: - no", COST]}, project)
    folder = str(project / "data" / "taught")
    found = get_data_files([folder], RasaYAMLReader.is_yaml_nlu_file)
    assert [os.path.relpath(path, folder) for path in found] == ["uncovered/cost.yml"]
    examples = RasaYAMLReader().read(found[0]).training_examples
    assert [example.get("text") for example in examples] == ["is it dear? # yes: - no", COST]
    assert {example.get_full_intent() for example in examples} == {"uncovered/cost"}


# ---- The command ----


def test_a_trial_sees_no_setting_of_the_clinic(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:///patients.db")
    monkeypatch.setenv("SMTP_PASSWORD", "x")
    env = command._environment()
    assert "DATABASE_URL" not in env and "SMTP_PASSWORD" not in env and env["RASA_TELEMETRY_ENABLED"] == "false"


def test_the_tests_that_a_new_model_owes():
    found = command.talking_tests(ROOT)
    assert "tests/test_conversations.py" in found
    assert all((ROOT / path).is_file() for path in found)


def test_a_command_that_fails_is_said_in_words(project):
    with pytest.raises(Failed, match="The training failed; an engineer finds why in results/teaching.log."):
        command._train(project)


def test_where_no_trial_can_run(project, monkeypatch):
    assert command.impossible(project) == ""
    monkeypatch.setattr(command, "can_write", lambda project: False)
    assert "may not change its own files" in command.impossible(project)
    assert "without the project's tests" in command.impossible(project / "data")


def test_a_start_that_fails_is_noticed(project):
    """The project has no such command: the process ends, and its words are in the log."""
    assert command.start(project=project) is False
    assert "No module named infusion_guide.teaching" in (project / "results" / "teaching.log").read_text(encoding="utf-8")


def test_the_command_shows_both_figures(project, monkeypatch, capsys):
    wait(project, COST)
    run = trial.run
    monkeypatch.setattr(command.trial, "run", lambda tools, tell: run(Fake().tools, project, tell))
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert "3 of 6: training" in shown and "uncovered: right kind" in shown and "before" in shown
    assert f"{COST}  ->  uncovered/cost" in shown and "These sentences are live now." in shown
    assert command.main([]) == 0 and "Nothing is waiting." in capsys.readouterr().out
    wait(project, "is it dear")
    monkeypatch.setattr(command.trial, "run", lambda tools, tell: run(Fake(test=fail("no good")).tools, project, tell))
    assert command.main([]) == 1 and "no good" in capsys.readouterr().out


# ---- Grouping ----

QUESTIONS = [
    ["where can i park", "is there parking at your office", "Where do I park when I come to the office?"],
    ["can I bring my dog", "may my dog come with me", "is it ok to bring my dog to the visit"],
    ["do you take credit cards", "can i pay with my credit card", "do you accept credit cards for payment"],
    ["how long is the wait for a first appointment", "how long until i can get a first appointment"],
    ["is the doctor a woman"],
    ["what should i wear"],
]


def test_the_same_question_in_other_words_is_one_group():
    texts = [text for group in QUESTIONS for text in group]
    of = {text: number for number, group in enumerate(QUESTIONS) for text in group}
    found = [[of[texts[position]] for position in group] for group in Sorter().groups(texts)]
    assert all(len(set(group)) == 1 for group in found), "different questions in one group"
    assert len(found) <= len(QUESTIONS) + 2
    assert [len(group) for group in found] == sorted((len(group) for group in found), reverse=True)


def test_wordings_are_read_once(monkeypatch):
    from infusion_guide.nlu import encoder as module

    read = []
    real = module.encoder()

    class Counting:
        @staticmethod
        def encode(texts):
            read.extend(texts)
            return real.encode(texts)

    monkeypatch.setattr(module, "encoder", lambda: Counting)
    sorter = Sorter()
    assert sorter.groups([]) == []
    assert sorter.groups(["price?"] * 50 + ["Price"]) == [list(range(51))]
    sorter.groups(["price", "where can i park"])
    assert read == ["price", "where can i park"]
    assert sorter.left == 0

"""Two workers for the same patients: nothing lost, nothing doubled, also when one of them is killed."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.faults.cluster import NEEDS_ACTION, QUESTION, conversation_id
from tests.faults.kill_workers import kill_and_look

ROUNDS = 60
KILLS = 2  # the whole twenty: python -m tests.faults.kill_workers --times 20


def test_sixty_rounds_of_three_rapid_messages_over_two_workers(cluster):
    lost, doubled, silent = 0, 0, 0
    clients = [cluster.workers[number % 2].client() for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for number in range(ROUNDS):
            ticket = clients[0].conversation()
            texts = [f"{QUESTION} {number} {part}" for part in "abc"]
            answers = [pool.submit(client.say, ticket, text) for client, text in zip(clients, texts)]
            silent += sum(answer.result().status != 200 or not answer.result().text for answer in answers)
            stored = cluster.patient_said(ticket)
            lost += sum(stored.count(text) == 0 for text in texts)
            doubled += sum(stored.count(text) > 1 for text in texts)
            starts = cluster.rows(
                "SELECT count(*) FROM events WHERE sender_id = %s AND type_name = 'session_started'", conversation_id(ticket)
            )
            assert starts == [(1,)], "the conversation began twice"
    assert (lost, doubled, silent) == (0, 0, 0), f"of {3 * ROUNDS}: {lost} lost, {doubled} doubled, {silent} not answered"


def test_the_same_message_at_both_workers_at_once_is_one_message(cluster):
    one, two = (worker.client() for worker in cluster.workers)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            ticket, message_id = one.conversation(), uuid.uuid4().hex
            assert one.say(ticket, "hello").status == 200
            both = [pool.submit(client.say, ticket, QUESTION, message_id) for client in (one, two)]
            first, second = (answer.result() for answer in both)
            assert first.status == second.status == 200 and first.replies == second.replies
            assert cluster.patient_said(ticket) == ["hello", QUESTION]


def test_workers_killed_while_they_answer(cluster):
    found = kill_and_look(cluster, KILLS)
    print(found)
    assert found.cut_off, "no message was under way when the workers were killed"
    assert (found.unanswered, found.lost, found.doubled, found.effects_doubled) == (0, 0, 0, 0), found
    assert max(found.waits) < 4.5, found  # 3 on a machine that does nothing else


def test_h4_six_rapid_messages_do_not_wait_for_ticks(cluster):
    """Rasa's locks are looked at once a second: six quick messages took 5.1 s."""
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION).status == 200
    started = time.perf_counter()
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: cluster.workers[0].client().say(ticket, NEEDS_ACTION), range(6)))
    assert [each.status for each in said] == [200] * 6
    assert time.perf_counter() - started < 3

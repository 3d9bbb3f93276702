"""Talks to a peer over REST and measures how long each answer takes."""

import asyncio
import random
import time
import uuid
from typing import Any, Dict, List, Sequence

import aiohttp
import numpy as np

TURNS = 8  # messages a conversation
TOO_SLOW_MS = 5000.0


def conversations(texts: Sequence[str], messages: int, seed: int) -> List[List[str]]:
    """`messages` / TURNS conversations of TURNS texts each, drawn without repeating a text until all were used."""
    chooser = random.Random(seed)
    drawn: List[str] = []
    while len(drawn) < messages:
        drawn += chooser.sample(list(texts), len(texts))
    return [drawn[i : i + TURNS] for i in range(0, messages, TURNS)]


def under_load(url: str, talks: List[List[str]], at_once: int) -> Dict[str, Any]:
    """Latency (ms) and throughput (messages a second) with `at_once` conversations under way; errors and silences counted."""
    return asyncio.run(_under_load(url, talks, at_once))


def one_long_conversation(url: str, texts: Sequence[str], messages: int) -> List[float]:
    """Latency (ms) of each message of one conversation; shorter than `messages` when one took over TOO_SLOW_MS."""
    return asyncio.run(_long(url, [texts[i % len(texts)] for i in range(messages)]))


async def _under_load(url: str, talks: List[List[str]], at_once: int) -> Dict[str, Any]:
    waiting = list(talks)
    latencies: List[float] = []
    failed = silent = 0

    async def patient(session: aiohttp.ClientSession) -> None:
        nonlocal failed, silent
        while waiting:
            sender = uuid.uuid4().hex
            for text in waiting.pop():
                milliseconds, status, replies = await ask(session, url, sender, text)
                latencies.append(milliseconds)
                failed += status != 200
                silent += replies == 0

    async with _session() as session:
        start = time.perf_counter()
        await asyncio.gather(*(patient(session) for _ in range(at_once)))
        seconds = time.perf_counter() - start
    p50, p95, p99 = (float(p) for p in np.percentile(latencies, [50, 95, 99]))
    per_second = len(latencies) / seconds
    counts = {"messages": len(latencies), "failed": failed, "silent": silent}
    return {"p50": p50, "p95": p95, "p99": p99, "per_second": per_second, **counts}


async def _long(url: str, texts: List[str]) -> List[float]:
    sender = uuid.uuid4().hex
    latencies: List[float] = []
    async with _session() as session:
        for text in texts:
            milliseconds, _, _ = await ask(session, url, sender, text)
            latencies.append(milliseconds)
            if milliseconds > TOO_SLOW_MS:
                break
    return latencies


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), connector=aiohttp.TCPConnector(limit=0))


async def ask(session: aiohttp.ClientSession, url: str, sender: str, text: str) -> "tuple[float, int, int]":
    """Milliseconds, HTTP status (0: none), number of replies."""
    start = time.perf_counter()
    status, replies = 0, []
    try:
        async with session.post(url, json={"sender": sender, "message": text}) as answer:
            status, replies = answer.status, await answer.json()
    except (TimeoutError, aiohttp.ClientError):
        pass  # counted as an error and a silence
    return (time.perf_counter() - start) * 1000, status, len(replies)

"""Looks up the references in a file with aiohttp, so many at a time, and counts the statuses in the answers.

    lookups.py FILE CONNECTIONS URL
"""
import asyncio
import collections
import json
import os
import sys
import urllib.parse

import aiohttp

file, connections, url = sys.argv[1:]
references = iter(open(file).read().split())
counts = collections.Counter()


async def work(session):
    for reference in references:
        async with session.get(f"{url}/v1/payments/{urllib.parse.quote(reference, safe='')}") as answer:
            counts[(await answer.json())["status"]] += 1


async def main():
    headers = {"Authorization": f"Bearer {os.environ['PLEXOS_PAY_SECRET_KEY']}", "Accept": "application/json"}
    connector = aiohttp.TCPConnector(limit=int(connections))
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(int(connections))))
    print(json.dumps(counts, separators=(",", ":")))


asyncio.run(main())

# SPDX-License-Identifier: Apache-2.0
# Real clients (slixmpp) for tests: JSON lines in, JSON lines out. Each order has an id; each answer repeats it.
#   {"id":1,"do":"login","name":"a","jid":"alice@corp.example/desk","password":"x","host":"127.0.0.1","port":5222,"sm":true}
#   {"id":2,"do":"send","name":"a","xml":"<message .../>"}      {"id":3,"do":"wait","name":"a","like":"regex","seconds":10}
#   {"id":4,"do":"break","name":"a"}   {"id":5,"do":"resume","name":"a"}   {"id":6,"do":"logout","name":"a"}   {"id":7,"do":"ack","name":"a"}
#   {"id":8,"do":"commands","name":"a","jid":"..."}   {"id":9,"do":"command","name":"a","jid":"...","node":"...","values":{...}}   (XEP-0050)
#   {"id":10,"do":"search","name":"a","jid":"...","values":{...},"max":2,"after":"..."}   (XEP-0055, 0059)   {"id":11,"do":"card","name":"a","jid":"..."}   (XEP-0054)
# `wait` gives the first stanza that nobody has waited for yet and whose text fits; what does not fit stays.
import asyncio
import hashlib
import json
import logging
import re
import sys
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0059.stanza import Set
from slixmpp.stanza import Iq, Message, Presence
from slixmpp.xmlstream import register_stanza_plugin

KINDS = {"message": Message, "presence": Presence, "iq": Iq}


class Client(slixmpp.ClientXMPP):
    def __init__(self, order):
        super().__init__(order["jid"], order["password"])
        self["feature_mechanisms"].unencrypted_plain = True
        self.where = (order["host"], order["port"])
        self.managed = order.get("sm", False)
        if self.managed:
            self.register_plugin("xep_0198")
        if order.get("pep", False):
            for plugin in ("xep_0115", "xep_0084"):
                self.register_plugin(plugin)
        self.inbox = []
        self.news = asyncio.Event()
        self.up = None
        self.add_filter("in", self.received)
        for event in ("session_start", "session_resumed"):
            self.add_event_handler(event, lambda _, e=event: self.arrived(e))
        for event in ("failed_auth", "connection_failed"):
            self.add_event_handler(event, lambda why, e=event: self.failed(f"{e}: {why}"))
        self.add_event_handler("disconnected", lambda why: self.failed(f"disconnected: {why}"))

    def received(self, stanza):
        if stanza.name in KINDS:
            self.inbox.append(str(stanza))
            self.news.set()
        return stanza

    def arrived(self, how):
        if self.up and not self.up.done():
            self.up.set_result("resumed" if how == "session_resumed" else "new")

    def failed(self, why):
        if self.up and not self.up.done():
            self.up.set_exception(RuntimeError(why))

    async def enter(self):
        self.up = asyncio.get_running_loop().create_future()
        if hasattr(self, "enable_plaintext"):  # slixmpp 1.10
            self.enable_plaintext, self.enable_starttls, self.enable_direct_tls = True, False, False
            self.connect(*self.where)
        else:
            self.connect(self.where, force_starttls=False, disable_starttls=True)
        return await asyncio.wait_for(self.up, 30)

    async def login(self):
        how = await self.enter()
        if how == "new":
            self.send_presence()
        return {"how": how, "jid": str(self.boundjid)}

    def push(self, xml):
        tree = ET.fromstring(xml)
        name = tree.tag.split("}")[-1]
        self.send(KINDS[name](self, xml=tree))

    async def wait(self, like, seconds):
        pattern = re.compile(like, re.S)
        until = asyncio.get_running_loop().time() + seconds
        while True:
            for at, text in enumerate(self.inbox):
                if pattern.search(text):
                    return self.inbox.pop(at)
            self.news.clear()
            left = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self.news.wait(), max(left, 0))
            except asyncio.TimeoutError:
                raise RuntimeError(f"nothing like {like!r}; unread: {self.inbox}")


    async def commands(self, jid):
        self.register_plugin("xep_0050")
        found = await self["xep_0050"].get_commands(jid, timeout=20)
        return {node: name for _, node, name in found["disco_items"]["items"]}

    async def command(self, order):
        self.register_plugin("xep_0050")
        iq = self.make_iq_set(ito=order["jid"])
        iq["lang"] = order.get("lang", "")
        command = iq["command"]
        command["node"] = order["node"]
        command["action"] = order.get("action", "execute")
        if "session" in order:
            command["sessionid"] = order["session"]
        if "values" in order:
            form = self["xep_0004"].make_form(ftype="submit")
            for name, value in order["values"].items():
                form.add_field(var=name, value=value)
            command.append(form)
        try:
            return read_command((await iq.send(timeout=30))["command"])
        except IqError as refused:
            error = refused.iq["error"]
            return {"refused": error["type"] + " " + error["condition"], "text": error["text"]}


    async def search(self, order):
        """XEP-0055 and 0059 by the plugins: what the form has, and one page of what fits."""
        for plugin in ("xep_0055", "xep_0059"):
            self.register_plugin(plugin)
        asked = self.make_iq_get(ito=order["jid"])
        asked.enable("search")
        fields = list((await asked.send(timeout=20))["search"]["form"].get_fields())
        iq = self["xep_0055"].make_search_iq(ito=order["jid"])
        for name, value in order["values"].items():
            iq["search"]["form"].add_field(name, value=value)
        register_stanza_plugin(type(iq["search"]), Set)
        iq["search"]["rsm"]["max"] = str(order.get("max", 10))
        if "after" in order:
            iq["search"]["rsm"]["after"] = order["after"]
        found = (await iq.send(timeout=20))["search"]
        form = found["form"]
        return {
            "fields": fields,
            "columns": list(form["reported"]),
            "rows": [dict(item) for item in form["items"]],
            "count": int(found["rsm"]["count"]),
        }

    async def card(self, jid):
        self.register_plugin("xep_0054")
        vcard = (await self["xep_0054"].get_vcard(jid, timeout=20))["vcard_temp"]
        photo = vcard["PHOTO"]["BINVAL"] if vcard.xml.find("{vcard-temp}PHOTO") is not None else b""
        return {"name": vcard["FN"], "photo": hashlib.sha1(photo).hexdigest() if photo else ""}


def read_command(command):
    form = command["form"] if command.xml.find("{jabber:x:data}x") is not None else None
    fields = form.get_fields() if form is not None else {}
    lines = [field["value"].split("\n") for name, field in fields.items() if name.startswith("row-")]
    rows = [dict(line.partition(": ")[::2] for line in row) for row in lines]
    return {
        "status": command["status"],
        "session": command["sessionid"],
        "actions": sorted(command["actions"]),
        "notes": command["notes"],
        "title": form["title"] if form is not None else "",
        "labels": {name: field["label"] for name, field in fields.items()},
        "types": {name: field["type"] for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field["required"]],
        "values": {name: field["value"] for name, field in fields.items()},
        "columns": list(rows[0]) if rows else [],
        "rows": rows,
    }


clients = {}


async def obey(order):
    do = order["do"]
    if do == "login":
        client = clients[order["name"]] = Client(order)
        return await client.login()
    client = clients[order["name"]]
    if do == "send":
        client.push(order["xml"])
    elif do == "wait":
        return {"stanza": await client.wait(order["like"], order.get("seconds", 15))}
    elif do == "ack":
        client["xep_0198"].request_ack()
    elif do == "break":
        client.abort()
    elif do == "resume":
        return await client.login()
    elif do == "logout":
        await client.disconnect(wait=2)
    elif do == "commands":
        return {"commands": await client.commands(order["jid"])}
    elif do == "command":
        return {"told": await client.command(order)}
    elif do == "search":
        return {"found": await client.search(order)}
    elif do == "card":
        return {"card": await client.card(order["jid"])}
    elif do == "unread":
        return {"stanzas": client.inbox}
    else:
        raise RuntimeError(f"no such order: {do}")
    return {}


async def answer(order):
    try:
        said = {"id": order["id"], "ok": True, **await obey(order)}
    except Exception as fault:
        said = {"id": order["id"], "ok": False, "why": f"{type(fault).__name__}: {fault}"}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


async def main():
    logging.basicConfig(level=logging.ERROR)
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.ensure_future(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    # slixmpp takes the loop of the moment at construction.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main())

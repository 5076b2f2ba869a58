"use strict";
/*
 * Drives the official socket.io-client for the Python tests.
 *
 * One JSON command per line on standard input, one JSON answer per line on standard output, with
 * the command's "id". Commands do not wait for each other. Bytes travel as {"$binary": base64}.
 */
const path = require("node:path");
const readline = require("node:readline");
const { Manager } = require("socket.io-client");

const sockets = new Map();

function toJson(value) {
  if (value === undefined) return null;
  if (ArrayBuffer.isView(value)) {
    return { $binary: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (value instanceof ArrayBuffer) return { $binary: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(toJson);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  }
  return value;
}

function fromJson(value) {
  if (Array.isArray(value)) return value.map(fromJson);
  if (value !== null && typeof value === "object") {
    if (typeof value.$binary === "string") return Buffer.from(value.$binary, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
  }
  return value;
}

/* Everything that ever happened to one socket, in order; waiters look at it again at each change. */
class Journal {
  constructor() {
    this.entries = [];
    this.waiters = new Set();
  }

  add(kind, value) {
    this.entries.push({ kind, value });
    for (const waiter of [...this.waiters]) waiter();
  }

  /* The value that `find` returns, as soon as it is not undefined. */
  until(find, timeoutMs, what) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find(this.entries);
        if (found === undefined) return;
        this.waiters.delete(look);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.waiters.delete(look);
        reject(new Error(`no ${what} in ${timeoutMs} ms; seen: ${JSON.stringify(toJson(this.entries))}`));
      }, timeoutMs);
      this.waiters.add(look);
      look();
    });
  }
}

function open({ socket: name, url, namespace, beside, auth, options }) {
  const manager = beside
    ? sockets.get(beside).socket.io
    : new Manager(url, { reconnection: false, autoConnect: false, ...options });
  const socket = manager.socket(namespace, { auth: auth ?? undefined });
  const journal = new Journal();
  const answers = new Map();
  const held = [];
  sockets.set(name, { socket, journal, answers, held });
  manager.on("open", () => manager.engine.on("upgrade", (transport) => journal.add("upgrade", transport.name)));
  manager.on("error", (error) => journal.add("manager_error", error.message));
  socket.on("connect", () => journal.add("connect", { sid: socket.id, transport: transportOf(socket) }));
  socket.on("disconnect", (reason) => journal.add("disconnect", reason));
  socket.on("connect_error", (error) =>
    journal.add("connect_error", { message: error.message ?? null, data: error.data ?? null }));
  socket.onAny((event, ...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : null;
    journal.add("event", { event, args });
    if (ack !== null && answers.has(event)) ack(...answers.get(event));
    else if (ack !== null) held.push(ack);
  });
  socket.connect();
  return journal;
}

function transportOf(socket) {
  return socket.io.engine?.transport?.name ?? null;
}

function last(kind) {
  return (entries) => entries.findLast((entry) => entry.kind === kind)?.value;
}

const commands = {
  /* Where a file of the client's distribution is. */
  async clientFile({ name }) {
    return path.join(path.dirname(require.resolve("socket.io-client/package.json")), "dist", name);
  },

  async connect(command) {
    const journal = open(command);
    return journal.until(
      (entries) => {
        const verdict = entries.find((entry) => entry.kind === "connect" || entry.kind === "connect_error");
        return verdict && { [verdict.kind]: verdict.value };
      },
      command.timeoutMs,
      "connect or connect_error");
  },

  async emit({ socket, event, args }) {
    sockets.get(socket).socket.emit(event, ...fromJson(args));
    return null;
  },

  async call({ socket, event, args, timeoutMs }) {
    return new Promise((resolve) => {
      sockets.get(socket).socket.timeout(timeoutMs).emit(event, ...fromJson(args), (error, ...ack) => {
        resolve(error ? { timeout: true } : { ack });
      });
    });
  },

  async wait({ socket, event, count, timeoutMs }) {
    return sockets.get(socket).journal.until(
      (entries) => {
        const seen = entries.filter((entry) => entry.kind === "event" && entry.value.event === event);
        return seen.length >= count ? seen.map((entry) => entry.value.args) : undefined;
      },
      timeoutMs,
      `${count} x ${event}`);
  },

  async received({ socket }) {
    return sockets.get(socket).journal.entries
      .filter((entry) => entry.kind === "event")
      .map((entry) => [entry.value.event, entry.value.args]);
  },

  async clear({ socket }) {
    sockets.get(socket).journal.entries.length = 0;
    return null;
  },

  async answer({ socket, event, args }) {
    sockets.get(socket).answers.set(event, fromJson(args));
    return null;
  },

  async acknowledge({ socket, count, args }) {
    const acks = sockets.get(socket).held.splice(0, count);
    for (const ack of acks) ack(...fromJson(args));
    return acks.length;
  },

  async transport({ socket }) {
    return transportOf(sockets.get(socket).socket);
  },

  async upgraded({ socket, timeoutMs }) {
    return sockets.get(socket).journal.until(last("upgrade"), timeoutMs, "upgrade");
  },

  async connects({ socket, count, timeoutMs }) {
    return sockets.get(socket).journal.until(
      (entries) => {
        const seen = entries.filter((entry) => entry.kind === "connect");
        return seen.length >= count ? seen.map((entry) => entry.value) : undefined;
      },
      timeoutMs,
      `${count} x connect`);
  },

  async disconnect({ socket }) {
    sockets.get(socket).socket.disconnect();
    return null;
  },

  async disconnected({ socket, timeoutMs }) {
    return sockets.get(socket).journal.until(last("disconnect"), timeoutMs, "disconnect");
  },

  async connected({ socket }) {
    return sockets.get(socket).socket.connected;
  },
};

async function run(line) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { id: command.id, value: toJson(await commands[command.command](command)) };
  } catch (error) {
    answer = { id: command.id, error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

const input = readline.createInterface({ input: process.stdin });
input.on("line", run);
input.on("close", () => {
  for (const { socket } of sockets.values()) socket.disconnect();
  process.exit(0);
});

/* One connection to one namespace, by the official client. It knows the contract's names and nothing of the page. */

import { isObject } from "./values.js";

const TIMEOUT_MS = 60_000;
const MAX_RECEIVED = 50;
const MAX_CHUNKS = 200;

export class Connection {
  /*
   * number: what people call it. namespace: of the contract. log: takes entries.
   * tell: called when something has changed, with what: "state", "event", "call" or "stream".
   */
  constructor(number, namespace, { path, log, tell }) {
    Object.assign(this, { number, namespace, log, tell, path });
    this.state = "idle";
    this.problem = null;
    this.socket = null;
    this.counts = new Map();
    this.received = new Map();
    this.calls = [];
    this.streams = new Map();
    this.unanswered = new Map();
  }

  get isLive() {
    return this.state === "live";
  }

  get sid() {
    return this.socket?.id ?? "";
  }

  get transport() {
    return this.socket?.io.engine?.transport.name ?? "";
  }

  /* Connects; auth is undefined where there is none. */
  connect(auth) {
    this.leave();
    const socket = io(location.origin + this.namespace.path, {
      path: this.path, forceNew: true, transports: ["websocket", "polling"], tryAllTransports: true, auth: auth === undefined ? {} : auth,
    });
    this.socket = socket;
    this.#setState("waiting");
    this.#log({ way: "life", event: "connect", payload: auth === undefined ? [] : [auth] });
    const asLong = (run) => (...given) => { if (this.socket === socket) run(...given); };
    socket.on("connect", asLong(() => this.#connected(socket)));
    socket.on("connect_error", asLong((error) => this.#refused(error, socket)));
    socket.on("disconnect", asLong((reason) => this.#left(reason)));
    socket.onAny(asLong((event, ...args) => this.#take(event, args)));
  }

  /* Disconnects, if it is connected. */
  leave() {
    const socket = this.socket;
    if (socket === null) return;
    const wasLive = this.isLive;
    this.socket = null;
    socket.disconnect();
    if (wasLive) this.#log({ way: "life", event: "disconnect", payload: ["by you"] });
    this.#drop();
    this.#setState("idle");
  }

  /* Sends an event and waits for its ack: `{ack, ms}`, `{error, ms}` or `{stream, ms}`. */
  call(event, args) {
    const entry = this.#log({ way: "out", event: event.name, payload: args, waits: true });
    const started = performance.now();
    return new Promise((resolve) => {
      const answer = (failure, ...ack) => {
        const ms = performance.now() - started;
        const error = failure ? { code: "no_answer", message: failure.message } : readError(ack[0]);
        entry.update({ ack: failure ? undefined : ack, error, ms });
        if (error) resolve({ error, ms });
        else if (event.stream !== null && typeof ack[0]?.stream === "string") resolve({ stream: this.#open(event.name, ack[0].stream), ms });
        else resolve({ ack, ms });
      };
      try {
        this.socket.timeout(TIMEOUT_MS).emit(event.name, ...args, answer);
      } catch (error) { // a name that the client keeps for itself
        answer(error);
      }
    });
  }

  /* Sends an event without asking for an ack; `onError` gets the error that comes as an event of its own. */
  emit(event, args, onError) {
    this.#log({ way: "out", event: event.name, payload: args });
    this.unanswered.set(event.name, onError);
    try {
      this.socket.emit(event.name, ...args);
    } catch (error) { // a name that the client keeps for itself
      onError({ code: "not_sent", message: error.message });
    }
  }

  /* Answers a call of the server. */
  answer(call, value) {
    this.calls = this.calls.filter((other) => other !== call);
    call.acknowledge(value);
    call.entry.update({ ack: [value], ms: performance.now() - call.started });
    this.tell("call");
  }

  #setState(state, problem = null) {
    this.state = state;
    this.problem = problem;
    this.tell("state");
  }

  #log(entry) {
    return this.log.add({ connection: this.number, namespace: this.namespace.path, ...entry });
  }

  #connected(socket) {
    this.#log({ way: "life", event: "connected", payload: [{ sid: socket.id }] });
    this.#setState("live");
  }

  #refused(failure, socket) {
    const error = isObject(failure.data) && typeof failure.data.code === "string" ? { ...failure.data, message: failure.message } : { code: "connect_error", message: failure.message };
    this.#log({ way: "life", event: "connect_error", payload: [], error });
    this.#setState(socket.active ? "waiting" : "refused", error);
  }

  #left(reason) {
    this.#log({ way: "life", event: "disconnect", payload: [reason] });
    this.#drop();
    this.#setState(this.socket.active ? "waiting" : "idle", { code: "disconnect", message: reason });
  }

  #drop() {
    this.calls = [];
    this.unanswered.clear();
    for (const stream of this.streams.values()) stream.end("lost");
    this.streams.clear();
    this.tell("call");
  }

  #take(event, args) {
    const acknowledge = typeof args.at(-1) === "function" ? args.pop() : null;
    const part = isObject(args[0]) && args.length === 1 ? this.streams.get(`${event} ${args[0].stream}`) : undefined;
    if (part !== undefined) {
      this.#log({ way: "in", event, payload: args, error: readError(args[0]) });
      part.take(args[0], acknowledge);
      if (part.state !== "running") this.streams.delete(`${event} ${part.id}`);
      return;
    }
    const error = event === "error" ? readError(args[0]) : null;
    const entry = this.#log({ way: "in", event, payload: args, error, waits: acknowledge !== null });
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
    this.received.set(event, [{ at: Date.now(), args }, ...(this.received.get(event) ?? [])].slice(0, MAX_RECEIVED));
    if (acknowledge !== null) {
      this.calls.push({ event, args, acknowledge, entry, started: performance.now() });
      this.tell("call");
    }
    if (error !== null) this.unanswered.get(error.event)?.(error);
    this.tell("event");
  }

  #open(event, id) {
    const stream = new Stream(id, () => this.socket.emit("cancel_stream", id), () => this.tell("stream"));
    this.streams.set(`${event} ${id}`, stream);
    return stream;
  }
}

/* A stream from the server. While it is paused its chunks are not acknowledged, so that the server holds it. */
class Stream {
  constructor(id, cancel, tell) {
    Object.assign(this, { id, state: "running", error: null, count: 0, chunks: [], isPaused: false, held: [], isCancelled: false, tell });
    this.started = performance.now();
    this.ms = 0;
    this.askCancel = cancel;
  }

  take(part, acknowledge) {
    if ("chunk" in part) {
      this.count += 1;
      this.chunks.push(part.chunk);
      if (this.chunks.length > MAX_CHUNKS) this.chunks.shift();
      if (this.isPaused) this.held.push(acknowledge);
      else acknowledge?.();
      this.tell();
    } else {
      this.error = readError(part);
      this.end(this.error ? "failed" : "ended");
    }
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) for (const acknowledge of this.held.splice(0)) acknowledge?.();
    this.tell();
  }

  cancel() {
    this.isCancelled = true;
    this.askCancel();
    this.tell();
  }

  end(state) {
    this.state = state === "ended" && this.isCancelled ? "cancelled" : state;
    this.ms = performance.now() - this.started;
    this.held = [];
    this.tell();
  }
}

/* Returns the error in an error object, null where it is none. */
function readError(value) {
  return isObject(value) && isObject(value.error) && typeof value.error.code === "string" ? value.error : null;
}

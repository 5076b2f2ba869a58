/** Milliseconds to wait, and what else ends the waiting. */
export interface CallOptions {
  /** Until the call fails with the code `timeout`; `Infinity` waits for ever. */
  timeout?: number | undefined;
  /** Ends the waiting: the call fails with the signal's reason. The server may have handled it all the same. */
  signal?: AbortSignal | undefined;
}

/** What every client takes, beside the options of the official client. */
export interface ClientOptions
  extends Omit<Partial<ManagerOptions & SocketOptions>, "auth" | "ackTimeout" | "retries"> {
  /** Milliseconds that a call waits for its answer where it does not say itself; 60 000 by default. */
  callTimeout?: number | undefined;
  /** Is told of an event that is not what the server declares; the console is by default. */
  onInvalid?: ((error: EventError) => void) | undefined;
}

/** A value, or what gives it anew for every connection. */
export type Provided<Value> = Value | (() => Value | Promise<Value>);

/** Bytes travel as attachments. They arrive as `ArrayBuffer` in browsers, as `Buffer`, a `Uint8Array`, in Node. */
export type Bytes = ArrayBuffer | Uint8Array;

/** Look at bytes in the same way wherever they arrived; nothing is copied. */
export function toUint8Array(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
}

/** How the server says that an event failed; clients turn it into an `EventError`. */
export interface ErrorAnswer {
  error: {
    code: string;
    message: string;
    event?: string | null;
    details?: unknown;
    retry_after?: number;
    id?: string;
  };
}

/** One part of a stream, as it is on the wire; clients put them together. */
export type StreamPart<Chunk> =
  | { stream: string; chunk: Chunk }
  | { stream: string; end: true }
  | ({ stream: string } & ErrorAnswer);

/** Codes that any event may fail with. */
export type StandardCode =
  | "disconnected"
  | "forbidden"
  | "internal_error"
  | "invalid_answer"
  | "invalid_payload"
  | "rate_limited"
  | "timeout"
  | "too_many_streams"
  | "unauthorized"
  | "unavailable"
  | "unknown_event";

/** Codes that any connection may be refused with. */
export type StandardConnectCode =
  | "already_connected"
  | "auth_failed"
  | "disconnected"
  | "forbidden"
  | "internal_error"
  | "invalid_payload"
  | "rate_limited"
  | "refused"
  | "timeout"
  | "too_many_namespaces"
  | "transport_error"
  | "unauthorized"
  | "unavailable"
  | "unknown_namespace";

interface FailureParts {
  code: string;
  message: string;
  details?: unknown;
  retryAfter?: number | undefined;
  id?: string | undefined;
  cause?: unknown;
}

/**
 * Why an event failed: what the server says, or `timeout` and `disconnected` where no answer came, and
 * `invalid_answer` where it is not what the server declares.
 */
export class EventError extends Error {
  override readonly name = "EventError";
  /** A stable word. */
  readonly code: StandardCode | DeclaredCode | (string & {});
  /** The event, by its name on the wire. */
  readonly event: string;
  /** What the server says beyond the message; for `invalid_payload` a list of `{path, type, message}`. */
  readonly details: unknown;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;
  /** Under which the server's log has it. */
  readonly id: string | undefined;

  constructor(event: string, failure: FailureParts) {
    super(failure.message, "cause" in failure ? { cause: failure.cause } : undefined);
    this.event = event;
    this.code = failure.code;
    this.details = failure.details;
    this.retryAfter = failure.retryAfter;
    this.id = failure.id;
  }
}

/** An `EventError` whose codes are those of one event. */
export interface EventErrorOf<Code extends string> extends EventError {
  readonly code: Code | StandardCode | (string & {});
}

/**
 * Why there is no connection: what the server says, or `transport_error` where it was not reached, `auth_failed` where
 * the function for `auth` failed (`cause` is its error), `refused` where the server gives no code.
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** A stable word. */
  readonly code: StandardConnectCode | DeclaredConnectCode | (string & {});
  /** What the server says beyond the message. */
  readonly details: unknown;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;
  /** Under which the server's log has it. */
  readonly id: string | undefined;

  constructor(failure: FailureParts) {
    super(failure.message, "cause" in failure ? { cause: failure.cause } : undefined);
    this.code = failure.code;
    this.details = failure.details;
    this.retryAfter = failure.retryAfter;
    this.id = failure.id;
  }
}

/** An event that clients send and the server answers. */
export interface CallOf<Args extends readonly unknown[], Answer, Code extends string = never> {
  args: Args;
  answer: Answer;
  code: Code;
}

/** An event that clients send and the server answers with a stream. */
export interface StreamOf<Args extends readonly unknown[], Chunk, Code extends string = never> {
  args: Args;
  chunk: Chunk;
  code: Code;
}

/** A call that the server makes and the client answers. */
export interface QuestionOf<Args extends readonly unknown[], Answer> {
  args: Args;
  answer: Answer;
}

/** All that a client knows of its namespace. */
export interface NamespaceTypes {
  calls: object;
  streams: object;
  events: object;
  questions: object;
  socket: unknown;
}

type NameIn<Table> = keyof Table & string;
type ValuesOf<Value> = Value extends readonly unknown[] ? Value : never;
type ArgsOf<Entry> = Entry extends { args: infer Args } ? ValuesOf<Args> : never;
type AnswerOf<Entry> = Entry extends { answer: infer Answer } ? Answer : never;
type ChunkOf<Entry> = Entry extends { chunk: infer Chunk } ? Chunk : never;
type CodeOf<Entry> = Entry extends { code: infer Code } ? Code & string : never;
type CallRest<Args extends readonly unknown[]> = [] extends Args
  ? [args?: Readonly<Args>, options?: CallOptions]
  : [args: Readonly<Args>, options?: CallOptions];

type CallGiven = [args?: readonly unknown[], options?: CallOptions];
type AnyListener = (...args: unknown[]) => unknown;
type ValueCheck = (value: unknown) => ValueProblem[];

/** What is wrong with a value, in the form in which the server says it. */
interface ValueProblem {
  path: string;
  message: string;
}

/** What is known of an event while the program runs. */
interface EventShape {
  /** How many values the answer has; as many as come where nothing is said. */
  answer?: "none" | "one" | "several";
  /** What stands for an argument that is left out before one that is given, from `first` on. */
  defaults?: { first: number; values: readonly unknown[] };
  /** The arguments' names, where there are several; the last one is that of the rest. */
  names?: readonly string[];
  checkArgs?: ValueCheck;
  checkAnswer?: ValueCheck;
}

type EventShapes = ReadonlyMap<string, EventShape>;

const LONGEST = 2 ** 31 - 1; // of a timer, in milliseconds
const IDLE = "There is no connection, and none is being made; socket.connect() makes one.";

/** A client of one namespace. */
export abstract class NamespaceClient<T extends NamespaceTypes> {
  /** The official client's own socket, typed; for what is not here. */
  readonly socket: T["socket"];
  readonly #socket: Socket;
  readonly #sent: EventShapes;
  readonly #received: EventShapes;
  readonly #callTimeout: number;
  readonly #onInvalid: (error: EventError) => void;
  readonly #listeners = new Map<string, { take: AnyListener; all: Map<unknown, AnyListener> }>();
  readonly #handlers = new Set<string>();
  readonly #pending = new Set<(reason: unknown) => void>();
  #refusal: ConnectError | undefined;

  constructor(socket: Socket, sent: EventShapes, received: EventShapes, options: ClientOptions = {}) {
    this.socket = socket as T["socket"];
    this.#socket = socket;
    this.#sent = sent;
    this.#received = received;
    this.#callTimeout = options.callTimeout ?? 60_000;
    this.#onInvalid = options.onInvalid ?? ((error) => console.error(error));
    socket.on("connect", () => {
      this.#refusal = undefined;
    });
    socket.on("disconnect", () => this.#giveUp());
    socket.on("connect_error", (error: unknown) => {
      if (socket.active && socket.io.reconnection()) return; // it tries again
      this.#refusal = readConnectError(error, socket.active);
      this.#giveUp();
    });
    socket.io.on("reconnect_failed", () => this.#giveUp());
  }

  /**
   * Wait for the connection; at once where there is one.
   *
   * @throws {ConnectError} It failed. After a `transport_error` the socket goes on trying, so this may be called again.
   */
  connected(options: CallOptions = {}): Promise<void> {
    const socket = this.#socket;
    const late = () => new ConnectError({ code: "timeout", message: "No connection in time." });
    return waitFor<void>(options.timeout ?? Infinity, options.signal, late, (resolve, reject) => {
      const done = () => resolve(undefined);
      const fail = (error: unknown) => reject(readConnectError(error, socket.active));
      const giveUp = () => reject(this.#refusal ?? new ConnectError({ code: "disconnected", message: IDLE }));
      socket.on("connect", done);
      socket.on("connect_error", fail);
      this.#pending.add(giveUp);
      if (socket.connected) done();
      else if (!socket.active) giveUp();
      return () => {
        socket.off("connect", done);
        socket.off("connect_error", fail);
        this.#pending.delete(giveUp);
      };
    });
  }

  /** Leave; what waits for an answer fails with the code `disconnected`. */
  disconnect(): void {
    this.#socket.disconnect();
    this.#giveUp();
  }

  /** Listen for connections that fail; the function that is returned ends that. */
  onConnectError(listener: (error: ConnectError) => void): () => void {
    const socket = this.#socket;
    const take = (error: unknown) => listener(readConnectError(error, socket.active));
    socket.on("connect_error", take);
    return () => {
      socket.off("connect_error", take);
    };
  }

  /**
   * Send an event by its name on the wire and wait for the answer.
   *
   * Without a connection it is sent when there is one. Several values of an answer are a tuple.
   *
   * @throws {EventError} The server says so; or no answer came.
   */
  call<E extends NameIn<T["calls"]>>(event: E, ...rest: CallRest<ArgsOf<T["calls"][E]>>): Promise<AnswerOf<T["calls"][E]>> {
    const [args = [], options = {}] = rest as unknown as CallGiven;
    const accept = (answer: unknown[]) => this.#accept(event, answer) as AnswerOf<T["calls"][E]>;
    return this.#ask(event, args, options, accept);
  }

  /**
   * Send an event by its name on the wire and iterate over what the server streams.
   *
   * It is sent when the iteration begins. Leaving the loop, or the signal, ends the stream on the server, too.
   */
  stream<E extends NameIn<T["streams"]>>(
    event: E,
    ...rest: CallRest<ArgsOf<T["streams"][E]>>
  ): EventStream<ChunkOf<T["streams"][E]>> {
    const [args = [], options = {}] = rest as unknown as CallGiven;
    return new EventStream<ChunkOf<T["streams"][E]>>({
      socket: this.#socket,
      event,
      signal: options.signal,
      check: this.#sent.get(event)?.checkAnswer,
      open: (accept) => this.#ask(event, args, options, accept),
      track: (giveUp) => {
        this.#pending.add(giveUp);
        return () => this.#pending.delete(giveUp);
      },
    });
  }

  /** Say whether `error` is why this event failed; its codes are the event's then. */
  failed<E extends NameIn<T["calls"]> | NameIn<T["streams"]>>(
    event: E,
    error: unknown,
  ): error is EventErrorOf<CodeOf<(T["calls"] & T["streams"])[E]>> {
    return error instanceof EventError && error.event === event;
  }

  /** Listen for an event; the function that is returned ends that. The same listener is called once. */
  on<E extends NameIn<T["events"]>>(event: E, listener: (...args: ValuesOf<T["events"][E]>) => void): () => void {
    this.#listen(event, listener, listener as AnyListener);
    return () => this.off(event, listener);
  }

  /** Listen for an event until it came once; the function that is returned ends that. */
  once<E extends NameIn<T["events"]>>(event: E, listener: (...args: ValuesOf<T["events"][E]>) => void): () => void {
    this.#listen(event, listener, (...args) => {
      this.off(event, listener);
      return (listener as AnyListener)(...args);
    });
    return () => this.off(event, listener);
  }

  /** Listen no more: this listener, or all of the event. */
  off<E extends NameIn<T["events"]>>(event: E, listener?: (...args: ValuesOf<T["events"][E]>) => void): void {
    const found = this.#listeners.get(event);
    if (found === undefined) return;
    if (listener !== undefined) found.all.delete(listener);
    if (listener !== undefined && found.all.size > 0) return;
    this.#listeners.delete(event);
    this.#socket.off(event as string, found.take);
  }

  /**
   * Answer a call of the server; the function that is returned ends that.
   *
   * Where `answer` throws, nothing is answered, and the server's call times out.
   *
   * @throws {Error} The call has a handler already.
   */
  handle<E extends NameIn<T["questions"]>>(
    event: E,
    answer: (
      ...args: ArgsOf<T["questions"][E]>
    ) => AnswerOf<T["questions"][E]> | Promise<AnswerOf<T["questions"][E]>>,
  ): () => void {
    if (this.#handlers.has(event)) throw new Error(`'${event}' has a handler; end that one first.`);
    const take = async (...args: unknown[]) => {
      const acknowledge = args.pop();
      if (typeof acknowledge !== "function" || !this.#fits(event, args)) return;
      const value: unknown = await (answer as AnyListener)(...args);
      refuse(event, "invalid_payload", this.#received.get(event)?.checkAnswer?.(value));
      (acknowledge as AnyListener)(value);
    };
    this.#handlers.add(event);
    this.#socket.on(event as string, take);
    return () => {
      this.#handlers.delete(event);
      this.#socket.off(event as string, take);
    };
  }

  #ask<R>(
    event: string,
    given: readonly unknown[],
    options: CallOptions,
    accept: (answer: unknown[]) => R,
  ): Promise<R> {
    const socket = this.#socket;
    const late = () => new EventError(event, { code: "timeout", message: `'${event}' was not answered in time.` });
    return waitFor<R>(options.timeout ?? this.#callTimeout, options.signal, late, (resolve, reject) => {
      const args = this.#complete(event, given);
      const take = (...answer: unknown[]) => {
        try {
          if (answer.length === 1 && isErrorAnswer(answer[0])) throw readError(event, answer[0]);
          resolve(accept(answer));
        } catch (error) {
          reject(error);
        }
      };
      const send = () => socket.emit(event, ...args, take);
      const giveUp = (reason: unknown) => reject(lost(event, reason));
      this.#pending.add(giveUp);
      if (socket.connected) send();
      else if (socket.active) socket.once("connect", send);
      else giveUp(this.#refusal);
      return () => {
        this.#pending.delete(giveUp);
        socket.off("connect", send);
      };
    });
  }

  #complete(event: string, given: readonly unknown[]): unknown[] {
    const { defaults, names, checkArgs } = this.#sent.get(event) ?? {};
    const args = [...given];
    while (args.length > 0 && args[args.length - 1] === undefined) args.pop();
    for (let index = 0; index < args.length; index += 1) {
      if (args[index] === undefined) args[index] = defaults?.values[index - defaults.first];
    }
    const problems = checkArgs?.(args) ?? [];
    refuse(event, "invalid_payload", problems.map((problem) => nameArgument(problem, names)));
    return args;
  }

  #accept(event: string, answer: unknown[]): unknown {
    const { answer: count, checkAnswer } = this.#sent.get(event) ?? {};
    if (count === "none") return undefined;
    const value = count === "several" || (count === undefined && answer.length > 1) ? answer : answer[0];
    refuse(event, "invalid_answer", checkAnswer?.(value));
    return value;
  }

  #listen(event: string, listener: unknown, run: AnyListener): void {
    let found = this.#listeners.get(event);
    if (found === undefined) {
      const all = new Map<unknown, AnyListener>();
      const take: AnyListener = (...args) => {
        if (this.#fits(event, args)) for (const each of [...all.values()]) each(...args);
      };
      found = { take, all };
      this.#listeners.set(event, found);
      this.#socket.on(event, take);
    }
    found.all.set(listener, run);
  }

  #fits(event: string, args: unknown[]): boolean {
    try {
      refuse(event, "invalid_answer", this.#received.get(event)?.checkArgs?.(args));
      return true;
    } catch (error) {
      this.#onInvalid(error as EventError);
      return false;
    }
  }

  #giveUp(): void {
    for (const giveUp of [...this.#pending]) giveUp(this.#refusal);
  }
}

interface StreamSource {
  socket: Socket;
  event: string;
  signal: AbortSignal | undefined;
  check: ValueCheck | undefined;
  open: (accept: (answer: unknown[]) => void) => Promise<void>;
  track: (giveUp: (reason: unknown) => void) => () => void;
}

interface StreamWaiter<Chunk> {
  resolve: (result: IteratorResult<Chunk, undefined>) => void;
  reject: (reason: unknown) => void;
}

/**
 * What the server streams, once. A chunk is acknowledged when it is handed out, so the server waits for a slow loop.
 */
export class EventStream<Chunk> implements AsyncIterable<Chunk>, AsyncIterator<Chunk, undefined, undefined> {
  readonly #source: StreamSource;
  readonly #arrived: { chunk: Chunk; acknowledge: unknown }[] = [];
  readonly #waiting: StreamWaiter<Chunk>[] = [];
  readonly #abort = () => this.#leave({ reason: this.#source.signal?.reason as unknown });
  #untrack: () => void = () => {};
  #began = false;
  #over = false;
  #id: string | undefined;
  #failure: { reason: unknown } | undefined;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws {EventError} The server says so, at the start or later; or the connection is gone. */
  next(): Promise<IteratorResult<Chunk, undefined>> {
    if (!this.#began) this.#begin();
    const first = this.#arrived.shift();
    if (first !== undefined) {
      acknowledge(first.acknowledge);
      return Promise.resolve({ done: false, value: first.chunk });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(failure.reason as Error);
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** End it, on the server, too; a loop that is left does that. */
  return(): Promise<IteratorResult<Chunk, undefined>> {
    this.#began = true;
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  #begin(): void {
    const { socket, event, signal, open, track } = this.#source;
    this.#began = true;
    this.#untrack = track((reason) => this.#end({ reason: lost(event, reason) }));
    socket.on(event, this.#take); // the first part may come right after the answer
    signal?.addEventListener("abort", this.#abort);
    open((answer) => this.#accept(answer)).catch((reason: unknown) => this.#end({ reason }));
  }

  #accept([answer]: unknown[]): void {
    const { event } = this.#source;
    if (!isRecord(answer) || typeof answer["stream"] !== "string") {
      throw new EventError(event, { code: "invalid_answer", message: `'${event}' was not answered with a stream.` });
    }
    this.#id = answer["stream"];
    if (this.#over) this.#cancel();
  }

  readonly #take = (part: unknown, given: unknown): void => {
    if (this.#id === undefined || !isRecord(part) || part["stream"] !== this.#id) return;
    if ("chunk" in part) this.#add(part["chunk"], given);
    else this.#end(isErrorAnswer(part) ? { reason: readError(this.#source.event, part) } : undefined);
  };

  #add(value: unknown, given: unknown): void {
    try {
      refuse(this.#source.event, "invalid_answer", this.#source.check?.(value));
    } catch (reason) {
      return this.#leave({ reason });
    }
    const chunk = value as Chunk;
    const waiter = this.#waiting.shift();
    if (waiter === undefined) {
      this.#arrived.push({ chunk, acknowledge: given });
    } else {
      acknowledge(given);
      waiter.resolve({ done: false, value: chunk });
    }
  }

  #leave(failure?: { reason: unknown }): void {
    if (!this.#over && this.#id !== undefined) this.#cancel();
    this.#arrived.length = 0;
    this.#failure = undefined;
    this.#end(failure);
  }

  #cancel(): void {
    this.#source.socket.emit("cancel_stream", this.#id);
  }

  #end(failure?: { reason: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.socket.off(this.#source.event, this.#take);
    this.#source.signal?.removeEventListener("abort", this.#abort);
    this.#untrack();
    const waiting = this.#waiting.splice(0);
    if (failure !== undefined) {
      const first = waiting.shift();
      if (first === undefined) this.#failure = failure;
      else first.reject(failure.reason);
    }
    for (const { resolve } of waiting) resolve({ done: true, value: undefined });
  }
}

function connect(url: string, path: string, options: ClientOptions & { auth?: unknown }): Socket {
  const { auth, callTimeout: _, onInvalid: __, ...others } = options;
  const [address = "", query] = url.split("?", 2);
  const whole = address.replace(/\/+$/, "") + path + (query === undefined ? "" : `?${query}`);
  if (typeof auth !== "function") return io(whole, auth == null ? others : { ...others, auth: auth as object });
  const socket: Socket = io(whole, {
    ...others,
    auth: (send: (auth: object) => void) => {
      const given = Promise.resolve().then(() => (auth as () => unknown)());
      given.then((value) => send(value as object), (cause: unknown) => failAuth(socket, cause));
    },
  });
  return socket;
}

function failAuth(socket: Socket, cause: unknown): void {
  const message = cause instanceof Error ? cause.message : "The function for auth failed.";
  const error = new ConnectError({ code: "auth_failed", message, cause });
  socket.disconnect();
  for (const listener of socket.listeners("connect_error")) (listener as AnyListener)(error);
}

/** Settles once: by `start`, by the time, or by the signal; what `start` returns is called then. */
function waitFor<R>(
  timeout: number,
  signal: AbortSignal | undefined,
  late: () => unknown,
  start: (resolve: (value: R) => void, reject: (reason: unknown) => void) => () => void,
): Promise<R> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    let settled = false;
    let stop = () => {};
    const settle = () => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      stop();
    };
    const fail = (reason: unknown) => {
      settle();
      reject(reason as Error);
    };
    const abort = () => fail(signal?.reason);
    const timer = timeout === Infinity ? undefined : setTimeout(() => fail(late()), Math.min(timeout, LONGEST));
    signal?.addEventListener("abort", abort);
    const succeed = (value: R) => {
      settle();
      resolve(value);
    };
    try {
      stop = start(succeed, fail);
    } catch (error) {
      fail(error);
    }
    if (settled) stop();
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isErrorAnswer(value: unknown): value is ErrorAnswer {
  return isRecord(value) && isRecord(value["error"]) && typeof value["error"]["code"] === "string";
}

function readError(event: string, { error }: ErrorAnswer): EventError {
  const { code, message, details, retry_after: retryAfter, id } = error;
  return new EventError(event, { code, message, details, retryAfter, id });
}

function readConnectError(error: unknown, active: boolean): ConnectError {
  if (error instanceof ConnectError) return error;
  const message = isRecord(error) && typeof error["message"] === "string" ? error["message"] : "Refused.";
  const data = isRecord(error) && isRecord(error["data"]) ? error["data"] : {};
  const { code, details, retry_after: retryAfter, id } = data as Partial<ErrorAnswer["error"]>;
  const other = active ? "transport_error" : "refused";
  return new ConnectError({ code: code ?? other, message, details, retryAfter, id, cause: error });
}

function lost(event: string, cause: unknown): EventError {
  const message = `There is no connection for '${event}', or it was lost before the end; the server may have handled it.`;
  return new EventError(event, { code: "disconnected", message, cause });
}

/** A path that starts with the argument's name where the event takes more than one, as the server's paths do. */
function nameArgument({ path, message }: ValueProblem, names: readonly string[] = []): ValueProblem {
  const [index = "", ...inner] = path.split(".");
  const name = index === "" ? undefined : names[Math.min(Number(index), names.length - 1)];
  return { path: (name === undefined ? inner : [name, ...inner]).join("."), message };
}

function refuse(event: string, code: StandardCode, details: ValueProblem[] = []): void {
  const [first] = details;
  if (first === undefined) return;
  const where = first.path === "" ? "" : `${first.path}: `;
  throw new EventError(event, { code, message: `'${event}': ${where}${first.message}`, details });
}

function acknowledge(given: unknown): void {
  if (typeof given === "function") (given as AnyListener)();
}

/* What compiles with the generated clients, and what does not. Nothing here runs. */
import {
  Colour,
  EventError,
  Level,
  connectMain,
  connectNasty,
  type Both,
  type BothInput,
  type Bytes,
  type Cat,
  type CorpusInner,
  type CorpusInnerInput,
  type CorpusTwinInner,
  type Dog,
  type Everything,
  type EverythingInput,
  type Keywords,
  type NastyClient,
  type NastySocket,
  type PageTree,
  type Point,
  type StandardCode,
  type TreeInput,
} from "./generated/corpus.js";
import { connectLive } from "./generated/live.js";

type IsAny<T> = 0 extends 1 & T ? true : false;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}
function isNot<_T extends false>(): void {}

declare const nasty: NastyClient;
declare const everything: EverythingInput;

export function answers(): void {
  is<Same<ReturnType<typeof nasty.everything>, Promise<Everything>>>();
  is<Same<ReturnType<typeof nasty.none>, Promise<void>>>();
  is<Same<ReturnType<typeof nasty.many>, Promise<[number, string, number[]]>>>();
  is<Same<ReturnType<typeof nasty.numbers>, Promise<number[]>>>();
  is<Same<ReturnType<typeof nasty.untyped>, Promise<unknown>>>();
  is<Same<ReturnType<typeof nasty.page>, Promise<PageTree>>>();
  is<Same<ReturnType<typeof nasty.pets>, Promise<{ [key: string]: Cat | Dog }>>>();
  is<Same<ReturnType<typeof nasty.twins>, Promise<CorpusTwinInner>>>();
  is<Same<ReturnType<typeof nasty.optional>, Promise<number | null>>>();
  is<Same<ReturnType<(typeof nasty)["my event"]>, Promise<"my event">>>();
  const called = nasty.call("everything", [everything]);
  is<Same<typeof called, Promise<Everything>>>();
  const chunks = nasty.count(3);
  const chunk = chunks.next();
  is<Same<Awaited<typeof chunk>, IteratorResult<CorpusInner, undefined>>>();
  isNot<IsAny<Awaited<ReturnType<typeof nasty.make>>>>();
}

export async function chunks(): Promise<void> {
  for await (const inner of nasty.count(3)) is<Same<typeof inner, CorpusInner>>();
  for await (const bytes of nasty.break(3)) is<Same<typeof bytes, Bytes>>();
  for await (const number of nasty.stream("count_slowly", [3], { timeout: 5 })) is<Same<typeof number, number>>();
  // @ts-expect-error a stream is no call
  nasty.call("count", [3]);
  // @ts-expect-error a call is no stream
  nasty.stream("none");
  // @ts-expect-error the wrong argument
  nasty.count("3");
  // @ts-expect-error a stream is no promise
  (await nasty.count(3)).x;
}

export function models(): void {
  is<Same<Everything["pair"], [number, string]>>();
  is<Same<Everything["triple"], number[]>>();
  is<Same<Everything["pet"], Cat | Dog>>();
  is<Same<Everything["anything"], unknown>>();
  is<Same<Everything["nothing"], null>>();
  is<Same<Everything["union"], number | string | null>>();
  is<Same<Everything["literal"], "a" | 1 | true | null>>();
  is<Same<Everything["price"], string>>();
  is<Same<EverythingInput["price"], number | string>>();
  is<Same<Everything["lookup"], { [key: string]: CorpusInner }>>();
  is<Same<Everything["by_number"], { [key: string]: string }>>();
  is<Same<Colour, "red" | "green" | "class">>();
  is<Same<Level, 1 | 10>>();
  is<Same<(typeof Colour)["class_"], "class">>();
  is<Same<Point, [number, number?]>>();
  is<Same<Both["doubled"], number>>();
  is<Same<keyof BothInput, "valueIn">>();
  is<Same<Keywords["with-dash"], string>>();
  is<Same<CorpusInner["label"], string | null>>();
  is<Same<CorpusInnerInput["label"], string | null | undefined>>();
  const tree: TreeInput = { name: "a", children: [{ name: "b", children: [{ name: "c" }] }] };
  void tree;
  // @ts-expect-error what arrives has its defaults
  const inner: CorpusInner = { x: 1 };
  void inner;
  // @ts-expect-error no member
  const colour: Colour = "blue";
  void colour;
}

export function wrongCalls(): void {
  // @ts-expect-error nothing is left out
  nasty.everything({});
  // @ts-expect-error a wrong type inside
  nasty.everything({ ...everything, pair: ["two", 1] });
  // @ts-expect-error a wrong date
  nasty.everything({ ...everything, when: new Date() });
  // @ts-expect-error a tag is needed to tell
  nasty.pets([{ lives: 3 }]);
  // @ts-expect-error a field of the other
  nasty.pets([{ kind: "cat", good: true }]);
  // @ts-expect-error no such event
  nasty.call("nobody");
  // @ts-expect-error no such method
  nasty.nobody();
  // @ts-expect-error too few arguments
  nasty.call("many");
  // @ts-expect-error too many
  nasty.none(1, 2);
  // @ts-expect-error the wrong rest
  nasty.many(1, "x", "y");
  // @ts-expect-error not an argument
  nasty.call("everything", everything);
  // @ts-expect-error another unit
  nasty.none({ timeout_s: 5 });
  // @ts-expect-error text is no bytes
  nasty.bytes({ name: "n", content: "text" });
  // @ts-expect-error the twins differ
  nasty.twins({ y: "ours" }, { x: 1 });
  // @ts-expect-error not the other name
  nasty.both({ value: 1 });
}

export function events(): void {
  nasty.on("posted", (value) => is<Same<typeof value, CorpusInner>>());
  nasty.on("moved", (value, value2) => is<Same<[typeof value, typeof value2], [number, string]>>());
  nasty.on("raw", (...values) => is<Same<typeof values, unknown[]>>());
  nasty.once("nothing", (...values) => is<Same<typeof values, []>>());
  nasty.handle("confirm", (value) => is<Same<typeof value, CorpusInner>>() === undefined);
  nasty.handle("pick", async () => Colour.RED);
  // @ts-expect-error no such event
  nasty.on("nobody", () => {});
  // @ts-expect-error a call is answered
  nasty.on("confirm", () => {});
  // @ts-expect-error an event is not
  nasty.handle("posted", () => {});
  // @ts-expect-error the wrong value
  nasty.on("moved", (value: string) => void value);
  // @ts-expect-error the wrong answer
  nasty.handle("confirm", () => "yes");
  // @ts-expect-error no answer
  nasty.handle("pick", () => {});
}

export function errors(error: unknown): void {
  if (error instanceof EventError) {
    isNot<IsAny<typeof error.code>>();
    isNot<IsAny<typeof error.details>>();
    const known: typeof error.code = "room_full";
    void known;
  }
  if (nasty.failed("fail", error)) {
    is<Same<typeof error.code, "room_full" | "forbidden" | StandardCode | (string & {})>>();
  }
  // @ts-expect-error no such event
  nasty.failed("nobody", error);
}

export function connecting(): void {
  connectMain("");
  connectMain("", { transports: ["websocket"], callTimeout: 5 });
  connectNasty("", { auth: { token: "t" } });
  connectNasty("", { auth: () => ({ token: "t" }) });
  connectNasty("", { auth: async () => null });
  connectLive("", { auth: { token: "t" } });
  // @ts-expect-error auth is needed
  connectLive("");
  // @ts-expect-error and has a token
  connectLive("", { auth: {} });
  // @ts-expect-error which is a text
  connectNasty("", { auth: { token: 5 } });
  // @ts-expect-error likewise from a function
  connectNasty("", { auth: () => ({ token: 5 }) });
  // @ts-expect-error what would change acks
  connectMain("", { retries: 3 });
  // @ts-expect-error no url
  connectMain();
}

export function official(socket: NastySocket): void {
  socket.emit("everything", everything);
  socket.emit("everything", everything, (answer) => isNot<IsAny<typeof answer>>());
  socket.timeout(5).emit("everything", everything, (error, answer) => {
    is<Same<typeof error, Error>>();
    isNot<IsAny<typeof answer>>();
  });
  socket.emit("many", 1);
  socket.emit("many", 1, (...answer) => isNot<IsAny<(typeof answer)[0]>>());
  socket.emit("many", 1, "x", 2, 3, (...answer) => isNot<IsAny<(typeof answer)[0]>>());
  socket.on("posted", (value) => is<Same<typeof value, CorpusInner>>());
  socket.on("confirm", (value, ack) => ack(value.x > 0));
  socket.on("count", (part, ack) => {
    if ("chunk" in part) is<Same<typeof part.chunk, CorpusInner>>();
    ack?.();
  });
  socket.emit("cancel_stream", "1");
  // @ts-expect-error a wrong payload
  socket.emit("everything", {});
  // @ts-expect-error no such event
  socket.emit("nobody");
  // @ts-expect-error no such event
  socket.on("nobody", () => {});
}

/* Every event of the corpus, through the generated clients, with values compared both ways. */
import {
  Colour,
  ConnectError,
  EventError,
  Level,
  connectEmpty,
  connectMain,
  connectNasty,
  toUint8Array,
  type CorpusInner,
  type EverythingInput,
  type NastyClient,
} from "./generated/corpus.js";
import { Scenario, equal, failure, type Report } from "./report.js";

const everything: EverythingInput = {
  when: "2024-02-29T12:30:00Z",
  day: "2024-02-29",
  at: "12:30:00",
  lasts: "P1DT2H",
  id: "0188d0e5-5a4b-7c3d-8e9f-0123456789ab",
  price: "12.50",
  colour: Colour.class_,
  level: Level.HIGH,
  pair: [1, "two"],
  triple: [1, 2, 3],
  pet: { kind: "dog" },
  tree: { name: "root", children: [{ name: "leaf" }, { name: "twig", children: [{ name: "bud" }] }] },
  page: { items: [{ x: 1 }, { label: "b" }] },
  pages: { items: [{ items: [{}], total: 1 }], total: 1 },
  lookup: { a: { x: 5 }, __proto__x: {} },
  by_number: { 1: "one", 22: "two" },
  numbers: [7],
  anything: { deep: [1, null, "x", { y: true }] },
  nothing: null,
  union: "text",
  email_like: "a@b",
  some: [1],
  literal: 1,
  box: { width: 3 },
  options: { verbose: true },
  tags: ["x", "y"],
  point: [1.5],
};

const inner = (x: number, label: string | null = null): CorpusInner => ({ x, label });

export async function run(url: string): Promise<Report> {
  const scenario = new Scenario();
  const nasty = connectNasty(url, { auth: { token: "good" } });
  const main = connectMain(url);
  const empty = connectEmpty(`${url}/`);
  for (const client of [nasty, main, empty]) scenario.watch(client.socket);
  await scenario.claim("clients connect, and say so", async () => {
    await Promise.all([nasty.connected(), main.connected(), empty.connected()]);
    equal([nasty.socket.connected, main.socket.connected, empty.socket.connected], [true, true, true]);
  });
  await useMain(scenario, main);
  await useCalls(scenario, nasty);
  await useNames(scenario, nasty);
  await useErrors(scenario, nasty, url);
  await useEvents(scenario, nasty);
  await useStreams(scenario, nasty);
  for (const client of [nasty, main, empty]) client.disconnect();
  return scenario.report();
}

async function useMain(scenario: Scenario, main: ReturnType<typeof connectMain>): Promise<void> {
  await scenario.claim("an argument with a default may be left out", async () => {
    equal(await main.hello("Ada"), ["Hello Ada"]);
    equal(await main.hello("Ada", 2), ["Hello Ada", "Hello Ada"]);
    equal(await main.hello("Ada", undefined, { timeout: 5000 }), ["Hello Ada"]);
    equal(await main.call("hello", ["Bob", 1]), ["Hello Bob"]);
  });
}

async function useCalls(scenario: Scenario, nasty: NastyClient): Promise<void> {
  await scenario.claim("every type goes there and back", async () => {
    equal(await nasty.everything(everything), {
      ...everything,
      pet: { kind: "dog", good: true },
      tree: {
        name: "root",
        children: [
          { name: "leaf", children: [] },
          { name: "twig", children: [{ name: "bud", children: [] }] },
        ],
      },
      page: { items: [inner(1), inner(3, "b")], total: 0 },
      pages: { items: [{ items: [inner(3)], total: 1 }], total: 1 },
      lookup: { a: inner(5), __proto__x: inner(3) },
      box: { width: 3, height: 1 },
      point: [1.5, 0],
    });
  });
  await scenario.claim("an answer without a value is undefined", async () => {
    equal(await nasty.none(), undefined);
  });
  await scenario.claim("an answer of several values is a tuple", async () => {
    equal(await nasty.many(1), [1, "x", []]);
    equal(await nasty.many(1, "y", 2.5, 3.5), [1, "y", [2.5, 3.5]]);
    equal(await nasty.many(1, undefined, 2.5), [1, "x", [2.5]]);
    equal(await nasty.numbers(), []);
    equal(await nasty.numbers(1), [1]);
    equal(await nasty.numbers(1, 2, 3), [1, 2, 3]);
    equal(await nasty.call("numbers", [4, 5], { timeout: 5000 }), [4, 5]);
  });
  await scenario.claim("generic, tagged and twin models are themselves", async () => {
    equal(await nasty.page({ items: [{ x: 4 }], total: 9 }), { items: [{ name: "4", children: [] }], total: 9 });
    equal(await nasty.pets([{ kind: "cat" }, { kind: "dog", good: false }]), {
      "0": { kind: "cat", lives: 9 },
      "1": { kind: "dog", good: false },
    });
    equal(await nasty.twins({ x: 1 }, { y: "theirs" }), { y: "theirs" });
  });
  await scenario.claim("fields keep their names on the wire", async () => {
    const all = { from: "f", class: 1, await: false, constructor: "k", "with-dash": "w", self: "me", größe: "g" };
    equal(await nasty.keywords(all), all);
    equal(await nasty.camel({ firstName: "Ada" }), { firstName: "Ada", dateOfBirth: null });
    equal(await nasty.both({ valueIn: 4 }), { valueOut: 4, doubled: 8 });
  });
  await scenario.claim("bytes are bytes on both sides", async () => {
    const content = new Uint8Array([0, 255, 128]);
    const buffer = new Uint8Array([1, 2]).buffer;
    const answer = await nasty.bytes({ name: "n", content, parts: [buffer] }, new Uint8Array([9]));
    equal(answer, {
      name: "n",
      content: new Uint8Array([0, 255, 128, 9]),
      parts: [new Uint8Array([1, 2]), new Uint8Array([9])],
    });
    equal([...toUint8Array(answer.content)], [0, 255, 128, 9]);
    equal((await nasty.bytes({ name: "n", content })).parts, [new Uint8Array()]);
  });
  await scenario.claim("what is not typed passes as it is", async () => {
    equal(await nasty.untyped({ any: [1, null] }), { any: [1, null] });
    equal(await nasty.untyped([1, 2]), [1, 2]);
    equal(await nasty.optional(), null);
    equal(await nasty.optional(null), null);
    equal(await nasty.optional(5), 5);
    equal(await nasty.old(), 1);
  });
}

async function useNames(scenario: Scenario, nasty: NastyClient): Promise<void> {
  await scenario.claim("every name is reached by its method", async () => {
    equal(await nasty["my event"](), "my event");
    equal(await nasty["my-event"](), "my-event");
    equal(await nasty["My Event"](), "My Event");
    equal(await nasty.größe(), "größe");
    equal(await nasty.日本語(2), "日本語");
    equal(await nasty["1st"](), 1);
    equal(await nasty.class(1, 2), 3);
    equal(await nasty.constructor_(), 1);
    equal(await nasty.then_(), 1);
    equal(await nasty.__proto___(), 1);
    equal(await nasty.emit(), 1);
    equal(await nasty.close(), 1);
  });
  await scenario.claim("every name is reached by itself", async () => {
    equal(await nasty.call("then"), 1);
    equal(await nasty.call("__proto__"), 1);
    equal(await nasty.call("constructor", [], { timeout: 5000 }), 1);
  });
  await scenario.claim("a client can be awaited without harm", async () => {
    equal((await nasty) === nasty, true);
  });
}

async function useErrors(scenario: Scenario, nasty: NastyClient, url: string): Promise<void> {
  await scenario.claim("a declared error has its code, details and time", async () => {
    const error = await failure(nasty.fail("room_full"));
    if (!nasty.failed("fail", error)) throw error;
    equal(
      [error.code, error.event, error.details, error.retryAfter, error.id],
      ["room_full", "fail", { room: 1 }, 2.5, undefined],
    );
    equal([error.name, error instanceof EventError, error instanceof Error], ["EventError", true, true]);
    equal(nasty.failed("everything", error), false);
  });
  await scenario.claim("an error of any other code arrives, too", async () => {
    const error = await failure(nasty.fail("elsewhere"));
    equal(error instanceof EventError && [error.code, error.message], ["elsewhere", "As you wish."]);
  });
  await scenario.claim("a refused payload says where", async () => {
    const wrong = { ...everything, email_like: "nobody" };
    const error = await failure(nasty.everything(wrong));
    if (!(error instanceof EventError)) throw error;
    equal(error.code, "invalid_payload");
    equal((error.details as { path: string }[]).map(({ path }) => path), ["email_like"]);
  });
  await scenario.claim("a refused connection has its code", async () => {
    const refused = connectNasty(url, { auth: { token: "bad" } });
    const error = await failure(refused.connected());
    equal(error instanceof ConnectError && [error.code, error.message], ["unauthorized", "The token is bad."]);
  });
}

async function useEvents(scenario: Scenario, nasty: NastyClient): Promise<void> {
  await scenario.claim("every event arrives with its values", async () => {
    const got: [string, unknown][] = [];
    const note = (name: string) => (...values: unknown[]) => {
      got.push([name, values]);
    };
    const names = ["posted", "moved", "got_bytes", "my-event", "my event", "old", "raw", "nothing"] as const;
    const leave = names.map((name) => nasty.on(name, note(name)));
    await nasty.make("events");
    for (const end of leave) end();
    await nasty.make("events");
    equal(got, [
      ["posted", [inner(1)]],
      ["moved", [2, "two"]],
      ["got_bytes", [{ name: "b", content: new Uint8Array([0, 255]), parts: [] }]],
      ["my-event", ["dashed"]],
      ["my event", ["spaced"]],
      ["old", ["old"]],
      ["raw", [{ any: "thing" }]],
      ["nothing", []],
    ]);
  });
  await scenario.claim("calls of the server are answered", async () => {
    const asked: CorpusInner[] = [];
    const end = nasty.handle("confirm", async (value) => {
      asked.push(value);
      return value.x === 5;
    });
    nasty.handle("pick", () => Colour.GREEN);
    equal(await nasty.make("confirm"), true);
    equal(await nasty.make("pick"), "green");
    equal(asked, [inner(5)]);
    end();
    nasty.handle("confirm", () => false);
    equal(await nasty.make("confirm"), false);
  });
}

async function useStreams(scenario: Scenario, nasty: NastyClient): Promise<void> {
  await scenario.claim("a stream is iterated to its end", async () => {
    const got: CorpusInner[] = [];
    for await (const chunk of nasty.count(40)) got.push(chunk);
    equal(got, Array.from({ length: 40 }, (_, x) => inner(x)));
    for await (const _ of nasty.count(0)) throw new Error("it is empty");
    const slow: number[] = [];
    for await (const chunk of nasty.stream("count_slowly", [5])) slow.push(chunk);
    equal(slow, [0, 1, 2, 3, 4]);
  });
  await scenario.claim("two streams of one event do not mix", async () => {
    const collect = async (to: number) => {
      const got: number[] = [];
      for await (const { x } of nasty.count(to)) got.push(x);
      return got.length;
    };
    equal(await Promise.all([collect(30), collect(20), collect(10)]), [30, 20, 10]);
  });
  await scenario.claim("an error ends a stream after its chunks", async () => {
    const got: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const chunk of nasty.break(3)) got.push(chunk);
      })(),
    );
    equal(got, [1, 2, 3].map(() => new TextEncoder().encode("x")));
    equal(error instanceof EventError && [error.code, error.event], ["room_full", "break"]);
  });
}

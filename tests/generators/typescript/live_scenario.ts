/* Clients that are refused, wait, cancel, lose their connection and come back. */
import { ConnectError, EventError, connectLive, type LiveClient } from "./generated/live.js";
import { Scenario, equal, failure, type Report } from "./report.js";

const door = (name: string) => `${name} ${Math.random()}`; // of this run

export async function run(url: string, unreachable: string): Promise<Report> {
  const scenario = new Scenario();
  const ada = connectLive(url, { auth: { token: "ada" } });
  const bob = connectLive(url, { auth: async () => ({ token: "bob" }), forceNew: true });
  await scenario.claim("what is sent before the connection is there waits for it", async () => {
    equal(await Promise.all([ada.token(), bob.token()]), ["ada", "bob"]);
  });
  await useConnections(scenario, url, unreachable);
  await useWaiting(scenario, ada, bob);
  await useArguments(scenario, ada);
  await useErrors(scenario, ada);
  await useListeners(scenario, ada);
  await useQuestions(scenario, ada);
  await useStreams(scenario, ada, bob);
  await useLostConnections(scenario, url, bob);
  ada.disconnect();
  bob.disconnect();
  return scenario.report();
}

async function useConnections(scenario: Scenario, url: string, unreachable: string): Promise<void> {
  await scenario.claim("a refused client knows why, however late it asks", async () => {
    const client = connectLive(url, { auth: { token: "banned" } });
    const seen: ConnectError[] = [];
    client.onConnectError((error) => seen.push(error));
    const error = await failure(client.connected());
    if (!(error instanceof ConnectError)) throw error;
    equal([error.code, error.details, error.retryAfter], ["banned", { until: "tomorrow" }, 1.5]);
    equal(seen.map(({ code }) => code), ["banned"]);
    const again = await failure(client.connected());
    equal(again instanceof ConnectError && again.code, "banned");
    const call = await failure(client.token());
    equal(call instanceof EventError && [call.code, call.cause instanceof ConnectError], ["disconnected", true]);
  });
  await scenario.claim("a call that waits for a connection fails when that is refused", async () => {
    const client = connectLive(url, { auth: { token: "banned" } });
    const error = await failure(client.token());
    equal(error instanceof EventError && error.code, "disconnected");
  });
  await scenario.claim("auth of the wrong shape is refused with its path", async () => {
    const client = connectLive(url, { auth: { token: 5 } as unknown as { token: string } });
    const error = await failure(client.connected());
    if (!(error instanceof ConnectError)) throw error;
    equal([error.code, (error.details as { path: string }[])[0]?.path], ["invalid_payload", "token"]);
  });
  await scenario.claim("a function for auth that fails is an error of the connection", async () => {
    const client = connectLive(url, { auth: () => Promise.reject(new Error("no token")), forceNew: true });
    const error = await failure(client.connected());
    if (!(error instanceof ConnectError)) throw error;
    equal([error.code, error.message, error.cause instanceof Error], ["auth_failed", "no token", true]);
    equal(client.socket.active, false);
  });
  await scenario.claim("a server that is not there is a transport error", async () => {
    const client = connectLive(unreachable, { auth: { token: "x" }, reconnection: false });
    const waiting = failure(client.token());
    const error = await failure(client.connected());
    equal(error instanceof ConnectError && error.code, "transport_error");
    const call = await waiting;
    equal(call instanceof EventError && call.code, "disconnected");
    client.disconnect();
  });
  await scenario.claim("waiting for a connection ends in time, or by a signal", async () => {
    const client = connectLive(unreachable, { auth: { token: "x" }, autoConnect: false });
    const idle = await failure(client.connected());
    equal(idle instanceof ConnectError && idle.code, "disconnected");
    const hanging = connectLive(url, { auth: () => new Promise<never>(() => {}), forceNew: true });
    const late = await failure(hanging.connected({ timeout: 1 }));
    equal(late instanceof ConnectError && late.code, "timeout");
    const control = new AbortController();
    const aborted = failure(hanging.connected({ signal: control.signal }));
    control.abort("enough");
    equal(await aborted, "enough");
    hanging.disconnect();
  });
}

async function useWaiting(scenario: Scenario, ada: LiveClient, bob: LiveClient): Promise<void> {
  await scenario.claim("a call that takes too long fails with timeout", async () => {
    const name = door("a");
    const error = await failure(ada.wait(name, { timeout: 20 }));
    equal(error instanceof EventError && [error.code, error.event], ["timeout", "wait"]);
    await bob.open(name);
    equal(await ada.wait(name, { timeout: Infinity }), name);
  });
  await scenario.claim("a signal ends the waiting with its reason", async () => {
    const control = new AbortController();
    const name = door("b");
    const waiting = failure(ada.wait(name, { signal: control.signal }));
    control.abort();
    const error = await waiting;
    equal(error instanceof DOMException && error.name, "AbortError");
    equal(await failure(ada.token({ signal: AbortSignal.abort("before") })), "before");
    await bob.open(name);
    equal(await ada.token(), "ada");
  });
}

async function useArguments(scenario: Scenario, ada: LiveClient): Promise<void> {
  await scenario.claim("an argument that is left out before another is its default", async () => {
    equal(await ada.search("x"), ["x", 10, 0, []]);
    equal(await ada.search("x", undefined, 20), ["x", 10, 20, []]);
    equal(await ada.search("x", 5, undefined, "tag"), ["x", 5, 0, ["tag"]]);
    equal(await ada.call("search", ["x", undefined, 3], { timeout: 5000 }), ["x", 10, 3, []]);
  });
}

async function useErrors(scenario: Scenario, ada: LiveClient): Promise<void> {
  await scenario.claim("a masked error has the id that is in the log", async () => {
    const error = await failure(ada.crash());
    if (!(error instanceof EventError)) throw error;
    equal([error.code, typeof error.id, (error.id ?? "").length > 0], ["internal_error", "string", true]);
  });
  await scenario.claim("a declared error is told by its code", async () => {
    const error = await failure(ada.fill());
    equal(ada.failed("fill", error) && error.code === "full" && [error.details, error.retryAfter], [[1], 2]);
  });
  await scenario.claim("an event that was sent without asking fails as an event", async () => {
    const told = new Promise<string>((resolve) => ada.socket.once("error", ({ error }) => resolve(error.code)));
    ada.socket.emit("fill");
    equal(await told, "full");
  });
}

async function useListeners(scenario: Scenario, ada: LiveClient): Promise<void> {
  await scenario.claim("listeners come and go", async () => {
    const got: string[] = [];
    const first = (text: string) => void got.push(`first ${text}`);
    const end = ada.on("told", first);
    ada.on("told", first);
    ada.once("told", (text) => void got.push(`once ${text}`));
    await ada.tell("a");
    await ada.tell("b");
    end();
    await ada.tell("c");
    ada.on("told", (text) => void got.push(`second ${text}`));
    ada.on("told", (text) => void got.push(`third ${text}`));
    await ada.tell("d");
    ada.off("told");
    await ada.tell("e");
    const never = ada.once("told", () => void got.push("never"));
    never();
    await ada.tell("f");
    equal(got, ["first a", "once a", "first b", "second d", "third d"]);
    equal(ada.socket.listeners("told").length, 0);
  });
}

async function useQuestions(scenario: Scenario, ada: LiveClient): Promise<void> {
  await scenario.claim("a call of the server has one handler", async () => {
    const end = ada.handle("question", async (text) => `${text}!`);
    equal(await ada.ask("well"), "well!");
    let refused = "";
    try {
      ada.handle("question", () => "other");
    } catch (error) {
      refused = String(error);
    }
    equal(refused, "Error: 'question' has a handler; end that one first.");
    end();
    const error = await failure(ada.ask("anybody", 0.01));
    equal(error instanceof EventError && error.code, "timeout");
  });
}

async function useStreams(scenario: Scenario, ada: LiveClient, bob: LiveClient): Promise<void> {
  const stopped = (name: string) =>
    new Promise<void>((resolve) => {
      const end = bob.on("stopped", (which) => {
        if (which !== name) return;
        end();
        resolve();
      });
    });
  const parts = () => ada.socket.listeners("tick").length;

  await scenario.claim("leaving the loop ends the stream on the server", async () => {
    const gone = stopped("left");
    const got: number[] = [];
    for await (const chunk of ada.tick("left")) {
      got.push(chunk);
      if (chunk === 100) break;
    }
    equal(got, Array.from({ length: 101 }, (_, x) => x));
    await gone;
    equal(parts(), 0);
  });
  await scenario.claim("a slow loop holds the server back", async () => {
    const gone = stopped("slow");
    const arrived = new Map<string, number>(); // parts of the last stream may be on their way
    const count = (name: string, part: { stream: string }) => {
      if (name === "tick" && "chunk" in part) arrived.set(part.stream, (arrived.get(part.stream) ?? 0) + 1);
    };
    ada.socket.onAny(count);
    const stream = ada.tick("slow");
    for (let taken = 1; taken <= 40; taken += 1) {
      await stream.next();
      await ada.token(); // by now all is here that the server may send
      const most = Math.max(...arrived.values());
      if (most > taken + 16) throw new Error(`${most} arrived, ${taken} were taken`);
    }
    await stream.return();
    ada.socket.offAny(count);
    await gone;
  });
  await scenario.claim("a signal ends a stream with its reason, also while it waits", async () => {
    const gone = stopped("signal");
    const control = new AbortController();
    const error = await failure(
      (async () => {
        for await (const chunk of ada.tick("signal", { signal: control.signal })) {
          if (chunk === 3) control.abort("enough");
        }
      })(),
    );
    equal(error, "enough");
    await gone;
    equal(await failure(ada.tick("never", { signal: AbortSignal.abort("before") }).next()), "before");
    equal(parts(), 0);
  });
  await scenario.claim("a stream that is left at once is ended, too", async () => {
    const gone = stopped("at once");
    const stream = ada.tick("at once");
    const first = stream.next();
    await stream.return();
    equal(await first, { done: true, value: undefined });
    equal(await stream.next(), { done: true, value: undefined });
    await gone;
  });
  await scenario.claim("nothing is sent for a stream that nobody iterates", async () => {
    const sent: string[] = [];
    const note = (name: string) => void sent.push(name);
    ada.socket.onAnyOutgoing(note);
    await ada.tick("nobody").return();
    ada.socket.offAnyOutgoing(note);
    equal(sent, []);
  });
  await scenario.claim("several chunks may be asked for at once", async () => {
    const stream = ada.tick("several");
    const got = await Promise.all([stream.next(), stream.next(), stream.next()]);
    equal(got.map(({ value }) => value), [0, 1, 2]);
    await stream.return();
  });
  await scenario.claim("a stream that fails at its start rejects", async () => {
    const error = await failure(ada.guarded_tick(-1).next());
    equal(error instanceof EventError && [error.code, error.event], ["full", "guarded_tick"]);
    const wrong = await failure(ada.guarded_tick("x" as unknown as number).next());
    equal(wrong instanceof EventError && wrong.code, "invalid_payload");
  });
}

async function useLostConnections(scenario: Scenario, url: string, bob: LiveClient): Promise<void> {
  await scenario.claim("a lost connection ends what waits, and calls after it", async () => {
    const eve = connectLive(url, { auth: { token: "eve" }, forceNew: true });
    const sid = await eve.sid();
    const name = door("never");
    const stream = eve.tick("eve");
    await stream.next();
    const waiting = failure(eve.wait(name));
    await bob.drop(sid);
    const error = await waiting;
    equal(error instanceof EventError && error.code, "disconnected");
    const rest = await failure(
      (async () => {
        for await (const _ of stream) continue;
      })(),
    );
    equal(rest instanceof EventError && rest.code, "disconnected");
    const after = await failure(eve.sid());
    equal(after instanceof EventError && after.code, "disconnected");
    await bob.open(name);
  });
  await scenario.claim("leaving ends what waits", async () => {
    const eve = connectLive(url, { auth: { token: "eve" }, forceNew: true });
    await eve.connected();
    const name = door("never again");
    const waiting = failure(eve.wait(name));
    eve.disconnect();
    const error = await waiting;
    equal(error instanceof EventError && error.code, "disconnected");
    await bob.open(name);
  });
  await scenario.claim("a client that comes back has its listeners, and tells a new token", async () => {
    let count = 0;
    const eve = connectLive(url, { auth: () => ({ token: `eve ${(count += 1)}` }), forceNew: true, reconnectionDelay: 1 });
    const heard: string[] = [];
    eve.on("told", (text) => void heard.push(text));
    equal(await eve.token(), "eve 1");
    const left = new Promise<void>((resolve) => eve.socket.once("disconnect", () => resolve()));
    eve.socket.io.engine.close();
    await left;
    equal(await eve.token(), "eve 2");
    await eve.tell("again");
    equal(heard, ["again"]);
    eve.disconnect();
  });
}

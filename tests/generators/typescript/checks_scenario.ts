/* A client whose contract is not the server's: its validators say so, in both directions. */
import { EventError, connectLive, MoodSchema } from "./generated/lying.js";
import { Scenario, equal, failure, type Report } from "./report.js";

export async function run(url: string): Promise<Report> {
  const scenario = new Scenario();
  const invalid: EventError[] = [];
  const ada = connectLive(url, { auth: { token: "ada" }, onInvalid: (error) => void invalid.push(error) });
  const sent: string[] = [];
  ada.socket.onAnyOutgoing((name) => void sent.push(name));

  await scenario.claim("what does not fit is not sent, and is refused in the server's own words", async () => {
    const long = await failure(ada.search("far too long", 5, 0, "a", "b"));
    equal(long instanceof EventError && [long.code, long.event], ["invalid_payload", "search"]);
    equal((long as EventError).details, [{ path: "text", message: "Expected at most 5 characters" }]);
    const rest = await failure(ada.call("search", ["x", 5, 0, "a", 7 as unknown as string]));
    equal(((rest as EventError).details as { path: string }[]).map(({ path }) => path), ["tags"]);
    const mood = await failure(ada.open({ mood: "bad" } as unknown as { mood: "good" }));
    equal(((mood as EventError).details as { path: string }[]).map(({ path }) => path), ["mood"]);
    equal(sent, []);
  });
  await scenario.claim("characters are counted as the server counts them", async () => {
    equal((await ada.search("👍👍👍👍👍"))[0], "👍👍👍👍👍");
    equal((await failure(ada.search("👍👍👍👍👍👍"))) instanceof EventError, true);
  });
  await scenario.claim("an answer that is not as declared is refused", async () => {
    const error = await failure(ada.token());
    equal(error instanceof EventError && error.code, "invalid_answer");
  });
  await scenario.claim("a chunk that is not as declared ends the stream on the server, too", async () => {
    const stopped = new Promise<void>((resolve) => ada.once("stopped", () => resolve()));
    const error = await failure(ada.tick("wrong").next());
    equal(error instanceof EventError && [error.code, error.event], ["invalid_answer", "tick"]);
    await stopped;
  });
  await scenario.claim("an event that is not as declared reaches no listener", async () => {
    let heard = 0;
    ada.on("told", () => void (heard += 1));
    await ada.tell("text");
    equal([heard, invalid.map(({ code, event }) => [code, event])], [0, [["invalid_answer", "told"]]]);
  });
  await scenario.claim("schemas are there for other use, with what is not known let through", async () => {
    equal(MoodSchema !== undefined, true);
    equal(await ada.fill().catch((error: unknown) => error instanceof EventError && error.code), "full");
  });
  ada.disconnect();
  return scenario.report();
}

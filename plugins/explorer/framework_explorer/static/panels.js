/* What is shown about a namespace, a client's event or a server's event. Each panel has an `element` and `update()`. */

import { readDetails, showAck, showError, showNote, showStream } from "./answers.js";
import { button, copyButton, el, setText } from "./dom.js";
import { describe, foldedValues, listErrors, listGuards, saysAnswer, schemaOf, section, tableArguments, warnDeprecated } from "./facts.js";
import { FormError } from "./field.js";
import { makeArguments, makeRequest, makeValue } from "./form.js";
import { writeRoute } from "./route.js";
import { clip, showValue } from "./values.js";

const KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
const STATES = { idle: "Not connected", waiting: "Connecting", live: "Connected", refused: "Refused" };

function head(kicker, title, ...tags) {
  const link = copyButton(() => location.href, "Copy link");
  return el("div", { class: "head" }, el("div", {}, el("p", { class: "kicker", text: kicker }), el("h2", { tabindex: "-1", text: title })),
    el("span", { class: "room-to-grow" }), ...tags.filter(Boolean).map((text) => el("span", { class: "tag", text })), link);
}

/* Returns examples with bytes in them; undefined where there are none. */
function withBytes(schemas, all, examples) {
  return examples === null ? undefined : examples.map((value, index) => schemas.withBytes(all[index], value));
}

/* Gives an error's details to the fields of a form; says whether all found their place. */
function rejectAll(request, error) {
  return readDetails(error).map(({ path, message }) => request.reject(path, message)).every(Boolean);
}

/* -- a namespace: its connections -- */

export function namespacePanel(page, namespace) {
  const { schemas } = page;
  const place = el("div", { class: "connection" });
  const element = el("article", {},
    head("Namespace", namespace.path), describe(namespace.description), listGuards(namespace.guards), place, listErrors(namespace.errors), tableEvents(namespace),
    namespace.auth && foldedValues("Schema of auth", schemaOf(schemas, [["Auth", namespace.auth.schema]])));
  let shown = null;
  return {
    element,
    send: () => (shown === null ? page.open(namespace) : shown.connect()),
    update() {
      const connection = page.connectionOf(namespace);
      if (shown?.connection !== connection) {
        shown = connection && connectionForm(page, connection);
        place.replaceChildren(shown?.element ?? el("div", { class: "send" }, button(`Connect to ${namespace.path}`, () => page.open(namespace), { class: "primary" }),
          namespace.auth && el("span", { class: "muted", text: `It reads auth: ${schemas.words(namespace.auth.schema)}` })));
      }
      shown?.update();
    },
  };
}

function tableEvents(namespace) {
  const row = (event, direction) => {
    const isAmbiguous = direction === "server" && namespace.client_events.some(({ name }) => name === event.name);
    return el("tr", {}, el("td", {}, el("span", { class: `sign ${direction}`, "aria-hidden": "true", text: direction === "client" ? "↑ " : "↓ " }),
      el("a", { href: writeRoute(namespace.path, event.name, direction, isAmbiguous), text: event.name })),
    el("td", { text: event.description.split("\n", 1)[0] }));
  };
  const rows = (events, direction) => events.map((event) => row(event, direction));
  const parts = [["Clients send", rows(namespace.client_events, "client")], ["The server sends", rows(namespace.server_events, "server")]];
  return el("div", { class: "facts" }, ...parts.filter(([, found]) => found.length).map(([title, found]) => section(title, el("table", { class: "events" }, el("tbody", {}, ...found)))));
}

function connectionForm(page, connection) {
  const state = el("b", { class: "state" });
  const facts = el("span", { class: "muted mono" });
  const connect = button("Connect", () => run(), { class: "primary", title: "Ctrl+Enter" });
  const leave = button("Disconnect", () => connection.leave());
  const problem = el("div", { role: "status" });
  const element = el("section", { class: "facts" }, el("div", { class: "bar" }, el("h3", { text: `Connection ${connection.number}` }), state, facts),
    connection.request.element, el("div", { class: "send" }, connect, leave), problem);
  let seen = null;
  const run = () => page.connect(connection).catch(() => {});
  return {
    connection,
    element,
    connect: run,
    update() {
      setText(state, STATES[connection.state]);
      state.dataset.state = connection.state;
      setText(facts, connection.isLive ? `${connection.sid} · ${connection.transport}` : "");
      setText(connect, connection.state === "idle" || connection.state === "refused" ? "Connect" : "Connect anew");
      leave.hidden = connection.state === "idle" || connection.state === "refused";
      if (seen !== connection.problem) {
        seen = connection.problem;
        problem.replaceChildren(...(seen ? [showError(seen)] : []));
        if (seen) rejectAll(connection.request, seen);
      }
    },
  };
}

/* -- an event that clients send -- */

export function clientEventPanel(page, namespace, event) {
  const { schemas } = page;
  const examples = event.arguments.length ? withBytes(schemas, event.arguments.map((argument) => argument.schema), event.examples.arguments) : undefined;
  const request = makeRequest(makeArguments(schemas, event.arguments), { label: "Arguments", isList: true, example: examples });
  const call = button("Call", () => send(true), { class: "primary", title: "Send it and wait for the answer (Ctrl+Enter)", "aria-keyshortcuts": "Control+Enter Meta+Enter" });
  const emit = button("Emit", () => send(false), { title: "Send it without asking for an answer", hidden: event.stream !== null });
  const over = el("span", { class: "muted" });
  const place = el("div", { class: "answers", role: "status" });
  const streams = new Set();
  let answers = [];
  const element = el("article", {},
    head(`${namespace.path} · clients send`, event.name, event.stream && "stream"),
    warnDeprecated(event.deprecated), describe(event.description), saysAnswer(schemas, event), listGuards(event.guards),
    request.element, el("div", { class: "send" }, call, emit, over, el("span", { class: "room-to-grow" }), el("kbd", { "aria-hidden": "true", text: KEYS })), place, listErrors(event.errors), ...about());

  function about() {
    const { ack, ack_rest: rest, stream } = event;
    const parts = [["Arguments", event.arguments.length ? event.arguments : null], ["Answer", ack?.length ? ack : null], ["Further values of the answer", rest], ["Chunk", stream]];
    const shown = schemaOf(schemas, parts);
    const answer = ack?.length ? withBytes(schemas, ack, event.examples.ack) : undefined;
    const chunk = stream ? withBytes(schemas, [stream], [event.examples.stream])[0] : undefined;
    const told = [["Arguments", examples], ["Answer", answer], ["Chunk", chunk]].filter(([, value]) => value !== undefined);
    return [shown.length ? foldedValues("Schema", shown) : null, told.length ? foldedValues("Example", told.map(([name, value]) => [name, () => value])) : null].filter(Boolean);
  }
  function show(answer, stream = null) {
    answers = [{ answer, stream }, ...answers.filter((other) => other.stream !== null && !other.stream.isOver())];
    place.replaceChildren(...answers.map((one) => one.answer));
    answer.scrollIntoView({ block: "nearest" });
  }
  function fail(error, ms) {
    rejectAll(request, error);
    show(showError(error, ms));
    element.querySelector("[aria-invalid=true]")?.focus();
  }
  async function send(isCall) {
    let args;
    try {
      args = request.read();
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      show(showNote("Not sent", error.message));
      return;
    }
    const connection = await page.ready(namespace);
    if (connection === null) {
      show(showNote("Not sent", "It is not connected."));
    } else if (isCall) {
      await wait(connection, args);
    } else {
      connection.emit(event, args, fail);
      show(showNote("Sent", "No answer was asked for. An error comes as the event error."));
    }
  }
  async function wait(connection, args) {
    show(showNote("Waiting", "for the answer"));
    const { ack, error, stream, ms } = await connection.call(event, args);
    if (error) fail(error, ms);
    else if (stream) {
      const view = showStream(stream);
      streams.add(view);
      show(view.element, view);
    } else show(showAck({ ack, ms }));
  }
  return {
    element,
    send: () => send(true),
    update() {
      const connection = page.connectionOf(namespace);
      setText(over, connection === null ? "connects first" : connection.isLive ? `over connection ${connection.number}` : `connects ${connection.number} first`);
      for (const view of streams) {
        view.update();
        if (view.isOver()) streams.delete(view);
      }
    },
  };
}

/* -- an event that the server sends -- */

export function serverEventPanel(page, namespace, event) {
  const { schemas } = page;
  const place = el("div", { class: "waiting-calls", role: "status" });
  const count = el("span", { class: "muted" });
  const list = el("ol", { class: "received" });
  const args = event.arguments ?? [];
  const examples = args.length ? withBytes(schemas, args.map((argument) => argument.schema), event.examples.arguments) : undefined;
  const forms = new Map();
  const element = el("article", {},
    head(`${namespace.path} · the server sends`, event.name, event.is_call && "call"),
    warnDeprecated(event.deprecated), describe(event.description),
    event.is_call && el("p", { class: "facts-line" }, el("span", { class: "muted", text: "Wants an answer " }), el("span", { text: event.answer ? schemas.words(event.answer) : "of any kind" })),
    tableArguments(schemas, "Arguments", event.arguments), place,
    el("section", { class: "facts" }, el("div", { class: "bar" }, el("h3", { text: "Received" }), count), list),
    foldedValues("Schema", schemaOf(schemas, [["Arguments", event.arguments], ["Answer", event.answer]])),
    examples && foldedValues("Example", [["Arguments", () => examples]]));
  let drawn = null;

  function formFor(connection, call) {
    if (forms.has(call)) return forms.get(call);
    const schema = event.answer ?? {};
    const request = makeRequest(makeValue(schemas, "answer", schema), { label: "Answer", example: schemas.withBytes(schema, event.examples.answer) });
    const answer = () => {
      try {
        connection.answer(call, request.read());
      } catch (error) {
        if (!(error instanceof FormError)) throw error;
      }
    };
    const made = el("section", { class: "answer warn" }, el("div", { class: "bar" }, el("b", { class: "state", text: "The server waits for an answer" }), el("span", { class: "muted", text: `connection ${connection.number}` })),
      ...call.args.map(showValue), request.element, el("div", { class: "send" }, button("Answer", answer, { class: "primary", title: "Ctrl+Enter" })));
    made.answerNow = answer;
    forms.set(call, made);
    return made;
  }
  function waitingCalls() {
    return page.connections.filter((connection) => connection.namespace === namespace)
      .flatMap((connection) => connection.calls.filter((call) => call.event === event.name).map((call) => formFor(connection, call)));
  }
  return {
    element,
    send: () => waitingCalls()[0]?.answerNow(),
    update() {
      const calls = waitingCalls();
      if (calls.length !== place.childElementCount || calls.some((made) => made.parentNode !== place)) place.replaceChildren(...calls);
      for (const [call, made] of forms) if (!calls.includes(made)) forms.delete(call);
      const connection = page.connectionOf(namespace);
      const received = connection?.received.get(event.name) ?? [];
      setText(count, connection === null ? "not connected" : `${connection.counts.get(event.name) ?? 0} over connection ${connection.number}`);
      if (drawn === received) return;
      drawn = received;
      list.replaceChildren(...received.slice(0, 20).map(({ at, args: values }) => el("li", {},
        el("time", { text: new Date(at).toLocaleTimeString("en-GB"), datetime: new Date(at).toISOString() }), el("code", { text: clip(values, 0, 2000).slice(1, -1) || "no arguments" }))));
    },
  };
}


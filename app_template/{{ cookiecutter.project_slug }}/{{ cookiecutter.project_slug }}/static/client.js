// The connection to the namespace /chat: calls that are answered or throw, and the events of the server.
import { io } from "./vendor/socket.io.esm.min.js";

const ANSWER_WITHIN_MS = 5000;
const NO_ANSWER = { code: "timeout", message: "The server did not answer. Try again." };
const OFFLINE = { code: "offline", message: "There is no connection to the server. It is tried again by itself." };

/** Why the server, or the way to it, could not do as asked: a code for programs, sentences for people. */
export class EventError extends Error {
  constructor({ code, message, details }) {
    super(message);
    this.code = code;
    this.details = Array.isArray(details) ? details : [];
  }

  /** The most precise sentences there are. */
  get sentences() {
    const precise = this.details.map((detail) => detail.message).filter(Boolean);
    return precise.length ? precise : [this.message];
  }
}

export class ChatClient {
  /** Call `open` to connect. The key gets the name back when the connection broke and is made again. */
  constructor(name) {
    this.name = name;
    this.socket = io("/chat", {
      auth: { name, key: makeKey() },
      autoConnect: false,
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
    });
  }

  /** Resolve when the server let this client in; throw the EventError that says why it did not. */
  open() {
    return new Promise((resolve, reject) => {
      const settle = (done, value) => {
        this.socket.off("connect", accepted).off("connect_error", refused);
        done(value);
      };
      const accepted = () => settle(resolve);
      const refused = (error) => settle(reject, readRefusal(error));
      this.socket.on("connect", accepted).on("connect_error", refused);
      this.socket.connect();
    });
  }

  /** Send an event and return what its handler returned; throw its EventError. */
  async call(event, ...args) {
    if (!this.socket.connected) throw new EventError(OFFLINE);
    const answer = await this.socket.timeout(ANSWER_WITHIN_MS).emitWithAck(event, ...args).catch(() => {
      throw new EventError(NO_ANSWER);
    });
    if (answer?.error) throw new EventError(answer.error);
    return answer;
  }

  /** Send an event that is worth nothing later: it is dropped while there is no connection. */
  tell(event, ...args) {
    if (this.socket.connected) this.socket.volatile.emit(event, ...args);
  }

  on(event, handler) {
    this.socket.on(event, handler);
  }

  /** Run `back` whenever the connection is made again, `lost` when it breaks, `refused` when it is over for good. */
  watch({ back, lost, refused }) {
    this.socket.on("connect", back);
    this.socket.on("disconnect", (reason) => {
      if (reason === "io client disconnect") return;
      if (this.socket.active) lost();
      else refused(new EventError({ code: "disconnected", message: "The server ended the connection." }));
    });
    this.socket.on("connect_error", (error) => {
      if (!this.socket.active) refused(readRefusal(error));
    });
  }

  close() {
    this.socket.disconnect();
  }
}

function readRefusal(error) {
  return new EventError(error.data?.code ? { message: error.message, ...error.data } : OFFLINE);
}

function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

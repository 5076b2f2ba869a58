"use strict";
/*
 * Goes on until it is refused, waits as long as it was told, and tries once more.
 *
 *   node limited.cjs post|marked|connect URL [URL]
 *
 * Several servers are asked in turn. Prints {passed: [per server], refused, again}.
 */
const { io } = require("socket.io-client");

const [what, ...urls] = process.argv.slice(2);
const ATTEMPTS = 200;

function open(url) {
  const socket = io(url + "/chat", {
    transports: ["websocket"], forceNew: true, reconnection: false, auth: { user: "ada" },
    extraHeaders: { "X-Forwarded-For": "192.0.2.1" },
  });
  return new Promise((resolve) => {
    socket.on("connect", () => resolve({ socket }));
    socket.on("connect_error", (error) => resolve({ refused: { message: error.message, ...error.data } }));
  });
}

async function main() {
  const sockets = what === "connect" ? [] : await Promise.all(urls.map(open));
  const attempt = async (server) => {
    if (what === "connect") return (await open(urls[server])).refused;
    return (await sockets[server].socket.timeout(10000).emitWithAck(what, "hi")).error;
  };
  const passed = urls.map(() => 0);
  for (let number = 0; number < ATTEMPTS; number++) {
    const server = number % urls.length;
    const refused = await attempt(server);
    if (refused) {
      await new Promise((resolve) => setTimeout(resolve, refused.retry_after * 1000));
      const again = await attempt(server);
      console.log(JSON.stringify({ passed, refused, again: again ?? null }));
      process.exit(0);
    }
    passed[server]++;
  }
  throw new Error(`${ATTEMPTS} attempts were not refused`);
}

main().catch((error) => { console.error(error); process.exit(1); });

"use strict";
/* Joins /strict and prints the order in which its socket heard of "connect" and "welcome". */
const { io } = require("socket.io-client");

const [url, transports] = process.argv.slice(2);
const socket = io(`${url}/strict`, {
  transports: transports.split(","),
  auth: { token: "good" },
  reconnection: false,
});
const seen = [];
function note(what) {
  seen.push(what);
  if (seen.length === 2) {
    console.log(JSON.stringify({ seen }));
    socket.disconnect();
  }
}
socket.on("connect", () => note("connect"));
socket.on("welcome", () => note("welcome"));
socket.on("connect_error", (error) => {
  console.error(error);
  process.exit(1);
});

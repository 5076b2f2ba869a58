// socket.io on Node with zod: node.mjs PORT
import { Server } from "socket.io";
import { z } from "zod";

const Message = z.object({
  room: z.string().max(64),
  text: z.string().max(2000),
  tags: z.array(z.string()).max(8),
  ts: z.number(),
  author: z.string().max(64),
});
const post = (message) => ({ id: 1, room: message.room, author: message.author, length: message.text.length });
const io = new Server(Number(process.argv[2]), { transports: ["polling", "websocket"] });
const chat = io.of("/chat");

chat.on("connection", (socket) => {
  socket.on("message", (data, ack) => ack(post(Message.parse(data))));
  socket.on("untyped", (data, ack) => ack(post(data)));
  socket.on("broadcast", (data, ack) => {
    const posted = post(Message.parse(data));
    chat.emit("posted", posted);
    ack(posted);
  });
  socket.on("slow", (data, ack) => setTimeout(() => ack(post(Message.parse(data))), 20));
});

// A NestJS gateway with its ValidationPipe: nest.mjs PORT. The decorators are called as the TypeScript compiler would.
import "reflect-metadata";
import { Module, ValidationPipe } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { IoAdapter } from "@nestjs/platform-socket.io";
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { ArrayMaxSize, IsArray, IsNumber, IsString, MaxLength } from "class-validator";
import { __decorate, __metadata, __param } from "tslib";

class Message {}
__decorate([IsString(), MaxLength(64)], Message.prototype, "room");
__decorate([IsString(), MaxLength(2000)], Message.prototype, "text");
__decorate([IsArray(), ArrayMaxSize(8), IsString({ each: true })], Message.prototype, "tags");
__decorate([IsNumber()], Message.prototype, "ts");
__decorate([IsString(), MaxLength(64)], Message.prototype, "author");

const post = (message) => ({ id: 1, room: message.room, author: message.author, length: message.text.length });

class Chat {
  message(message) {
    return post(message);
  }

  untyped(message) {
    return post(message);
  }

  broadcast(message) {
    const posted = post(message);
    this.server.emit("posted", posted);
    return posted;
  }

  async slow(message) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return post(message);
  }
}
__decorate([WebSocketServer(), __metadata("design:type", Object)], Chat.prototype, "server");
for (const event of ["message", "untyped", "broadcast", "slow"]) {
  const types = __metadata("design:paramtypes", [event === "untyped" ? Object : Message]);
  __decorate([SubscribeMessage(event), __param(0, MessageBody()), types], Chat.prototype, event, null);
}
const gateway = WebSocketGateway({ namespace: "chat", transports: ["polling", "websocket"] });

const Application = __decorate([Module({ providers: [__decorate([gateway], Chat)] })], class {});

const app = await NestFactory.create(Application, { logger: false });
app.useWebSocketAdapter(new IoAdapter(app));
app.useGlobalPipes(new ValidationPipe({ transform: true }));
await app.listen(Number(process.argv[2]), "127.0.0.1");

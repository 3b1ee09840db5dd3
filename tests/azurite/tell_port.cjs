// Loaded before the emulator, which takes a free port but does not say which: tells it in one line.
const { Server } = require("net");
const { listen } = Server.prototype;

Server.prototype.listen = function (...given) {
  this.once("listening", () => process.stdout.write(`port ${this.address().port}\n`));
  return listen.apply(this, given);
};

// Stands in for a screen: programs connect to its socket, and their windows appear in its log as words.
const fs = require("node:fs");
const net = require("node:net");

const path = "/tmp/.X11-unix/X0";
fs.rmSync(path, { force: true });
const screen = net.createServer({ allowHalfOpen: true }, (program) => {
  let words = "";
  program.on("data", (part) => (words += part));
  program.on("end", () => {
    console.log(`a window: ${words}`);
    program.end();
  });
  program.on("error", () => {});
});
screen.listen(path, () => console.log("screen :0 is ready"));
process.on("SIGTERM", () => process.exit(0));

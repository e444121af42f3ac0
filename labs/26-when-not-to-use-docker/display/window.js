// Stands in for a program with a window: it looks for its screen where programs on Linux do.
const net = require("node:net");

const display = process.env.DISPLAY;
if (!display) {
  console.error("no window: DISPLAY is not set, so I know of no screen");
  process.exit(1);
}
const path = `/tmp/.X11-unix/X${display.replace(/^.*:/, "").replace(/\..*$/, "")}`;
const screen = net.connect(path, () => screen.end("hello from a container"));
screen.on("error", () => {
  console.error(`no window: cannot open display ${display}, there is no screen at ${path}`);
  process.exit(2);
});
screen.resume();

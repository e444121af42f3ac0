// A page that counts its visitors. The numbers are kept in Redis, which it calls by the name "redis".
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");

const REDIS = process.env.REDIS_HOST || "redis";
const MOOD = process.env.MOOD || "plain";
const KEY = `greeting-${os.hostname().slice(0, 4)}`;

// Send one command to Redis and give back its answer: a text, a number, or null where there is none.
function redis(command) {
  return new Promise((resolve, reject) => {
    let answer = "";
    const call = net.connect(6379, REDIS, () => call.write(`${command}\r\n`));
    call.setTimeout(2000, () => call.destroy(new Error("no answer")));
    call.on("error", reject);
    call.on("data", (data) => {
      answer += data;
      const [head, ...rest] = answer.split("\r\n");
      if (rest.length === 0 || (head[0] === "$" && head !== "$-1" && rest.length < 2)) return;
      call.end();
      if (head[0] === "-") reject(new Error(head.slice(1)));
      else resolve(head[0] === "$" ? (head === "$-1" ? null : rest[0]) : head.slice(1));
    });
  });
}

async function page(request, response) {
  try {
    if (request.url !== "/") {
      response.writeHead(404).end("There is one page: /\n");
      return;
    }
    const greeting = (await redis(`GET ${KEY}`)) || "Hello";
    const visitor = await redis("INCR visitors");
    response.end(`${greeting}, visitor ${visitor} (mood: ${MOOD})\n`);
  } catch (error) {
    response.writeHead(503).end(`Redis does not answer: ${error.message}\n`);
  }
}

// The page is served once Redis answers: until then there is nothing to show.
async function begin() {
  for (let tries = 1; ; tries += 1) {
    try {
      await redis("PING");
      console.log(`Redis answered at try ${tries}`);
      console.log(`The greeting is read from the key ${KEY}`);
      break;
    } catch (error) {
      console.log(`Redis is not there yet (${error.code || error.message})`);
      await new Promise((again) => setTimeout(again, 500));
    }
  }
  http.createServer(page).listen(3000, "0.0.0.0", () => console.log("The page is served on port 3000"));
}

process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => process.exit(0));
begin();

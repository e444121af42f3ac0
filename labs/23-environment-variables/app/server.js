// A small web application that is set up by its environment, and shows what it found there.
const fs = require("fs");
const http = require("http");

const env = process.env;
const port = env.PORT || 8080;

// A secret comes from a file rather than from a variable. It is never shown.
function apiKey() {
  try {
    return fs.readFileSync("/run/secrets/api_key", "utf8").trim() ? "from a file" : "none";
  } catch {
    return env.API_KEY ? "from the environment" : "none";
  }
}

const settings = ["PORT", "NODE_ENV", "DATABASE_URL", "LOG_LEVEL", "VERSION"];
const lines = [...settings.map((name) => `${name}=${env[name]}`), `API key: ${apiKey()}`];

http
  .createServer((request, response) => response.end(lines.join("\n") + "\n"))
  .listen(port, () => console.log(`listening on ${port}, version ${env.VERSION}, API key ${apiKey()}`));

process.on("SIGTERM", () => process.exit(0));

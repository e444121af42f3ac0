// Counts visits in a Redis called `store`, and says which container answered.
import { createServer } from "node:http"
import { connect } from "node:net"
import { hostname } from "node:os"

const version = process.env.VERSION

/** Ask the store for one thing, in Redis's own language: a line there, a line back. */
function ask(line) {
  return new Promise((resolve, reject) => {
    const socket = connect(6379, "store", () => socket.write(line + "\r\n"))
    socket.setTimeout(3000, () => socket.destroy(new Error("too slow")))
    socket.once("data", data => { resolve(data.toString().trim()); socket.end() })
    socket.once("error", reject)
  })
}

const server = createServer(async (request, answer) => {
  try {
    const number = (await ask("INCR visits")).slice(1)
    answer.end(`${number} (version ${version}, answered by ${hostname()})\n`)
  } catch (error) {
    answer.statusCode = 503
    answer.end(`the store does not answer: ${error.message}\n`)
  }
})

server.listen(3000, () => console.log(`version ${version} listens on port 3000`))
process.on("SIGTERM", () => process.exit(0))

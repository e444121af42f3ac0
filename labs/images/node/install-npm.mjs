// Fetches one npm release, checks it against its integrity, and installs it under /usr/local.
// The registry is the machine's own, when it has told the build one (a line `registry=` in the npmrc secret).
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";

const [version, integrity] = process.argv.slice(2);
const npmrc = "/run/secrets/npmrc";
const told = existsSync(npmrc) ? /^registry\s*=\s*(\S+)/m.exec(readFileSync(npmrc, "utf8")) : null;
const registry = (told ? told[1] : "https://registry.npmjs.org").replace(/\/+$/, "");

const answer = await fetch(`${registry}/npm/-/npm-${version}.tgz`);
if (!answer.ok) throw new Error(`the npm registry answered ${answer.status}`);
const archive = Buffer.from(await answer.arrayBuffer());
const found = "sha512-" + createHash("sha512").update(archive).digest("base64");
if (found !== integrity) throw new Error(`npm ${version}: expected ${integrity}, found ${found}`);

const home = "/usr/local/lib/node_modules/npm";
mkdirSync(home, { recursive: true });
writeFileSync("/tmp/npm.tgz", archive);
execFileSync("tar", ["-xzf", "/tmp/npm.tgz", "-C", home, "--strip-components=1", "--no-same-owner",
  "--exclude=package/docs", "--exclude=package/man"]);
for (const tool of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${tool}-cli.js`, `/usr/local/bin/${tool}`);
// npm asks its registry about known holes and about its own updates, and waits where nobody answers: labs work offline.
writeFileSync(`${home}/npmrc`, "audit=false\nupdate-notifier=false\n");

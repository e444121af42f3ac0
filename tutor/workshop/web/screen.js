// The projector: shows what the hub sends. Whatever comes from people is put in as text, never as markup.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const key = location.hash.slice(1);
const at = (id) => document.getElementById(id);
let shown = null; // the hub's latest message
let ahead = 0; // milliseconds by which the hub's clock is ahead of ours
let wait = 500;
let drawnQr = "";
let spoken = "";
let pollState = "";

function text(id, words) {
  const node = at(id);
  if (node.textContent !== words) node.textContent = words;
}

function make(tag, className, words) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (words !== undefined) node.textContent = words;
  return node;
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  let final = "";
  // A network that is cut tells nobody: the hub speaks at least every few seconds.
  let heard = Date.now();
  const watch = setInterval(() => { if (Date.now() - heard > 10000) socket.close(); }, 1000);
  socket.onmessage = (event) => {
    heard = Date.now();
    const message = JSON.parse(event.data);
    if (message.type === "challenge") {
      socket.send(JSON.stringify({ type: "hello", role: "screen", proof: key }));
    } else if (message.type === "show") {
      wait = 500;
      trouble("");
      shown = message;
      ahead = message.screen.now * 1000 - Date.now();
      draw();
    } else if (message.type === "bye") {
      if (message.code === "not-you") final = "This link does not open the room: use the one that the host printed.";
    }
  };
  socket.onclose = () => {
    clearInterval(watch);
    trouble(final || "The hub is out of reach. What you see may be old. Trying again …");
    if (final) return;
    setTimeout(connect, wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, 5000);
  };
}

function trouble(words) {
  at("trouble").hidden = !words;
  text("trouble", words);
}

function draw() {
  const screen = shown.screen;
  document.title = `${screen.title} · docker tutor`;
  text("title", screen.title);
  text("command", `docker tutor join ${shown.link}/${shown.code} --as NAME`);
  text("code", `${shown.code.slice(0, 3)} ${shown.code.slice(3)}`);
  drawQr(shown.qr);
  drawTimer();
  drawProgress(screen);
  drawPoll(screen.poll);
}

function drawQr(rows) {
  const drawing = rows.join("\n");
  if (drawing === drawnQr) return;
  drawnQr = drawing;
  const svg = at("qr");
  const size = rows.length + 8; // a quiet zone of four on each side: ISO/IEC 18004
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.replaceChildren();
  const back = document.createElementNS(SVG, "rect");
  back.setAttribute("width", size);
  back.setAttribute("height", size);
  back.setAttribute("fill", "#fff");
  const path = document.createElementNS(SVG, "path");
  let lines = "";
  rows.forEach((row, y) => [...row].forEach((cell, x) => { if (cell === "1") lines += `M${x + 4} ${y + 4}h1v1h-1z`; }));
  path.setAttribute("d", lines);
  path.setAttribute("fill", "#000");
  svg.append(back, path);
}

function drawTimer() {
  const ends = shown && shown.screen.timer;
  at("timer").hidden = ends === null || ends === undefined;
  if (at("timer").hidden) return;
  const left = Math.max(0, Math.round((ends * 1000 - Date.now() - ahead) / 1000));
  text("timer-label", shown.screen.timer_label || "Time left");
  text("timer-left", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
  at("timer").classList.toggle("over", left === 0);
}

function drawProgress(screen) {
  const seats = screen.seats === 1 ? "1 seat" : `${screen.seats} seats`;
  const hands = screen.hands ? ` · ${screen.hands} ${screen.hands === 1 ? "hand" : "hands"} up` : "";
  text("there", `${screen.there} of ${seats} there${hands}`);
  const chapter = screen.chapter;
  text("progress-title", chapter ? `${chapter.number} · ${chapter.title}` : "Progress");
  const list = at("steps");
  const titles = chapter ? chapter.steps : [];
  while (list.children.length > titles.length) list.lastChild.remove();
  titles.forEach((title, place) => {
    let item = list.children[place];
    if (!item) {
      item = make("li");
      item.append(make("span", "title"), make("span", "count"), make("progress"));
      list.append(item);
    }
    const [name, count, bar] = item.children;
    const done = screen.passed[place] || 0;
    if (name.textContent !== title) name.textContent = title;
    count.textContent = `${done} of ${screen.seats}`;
    bar.max = Math.max(1, screen.seats);
    bar.value = done;
    bar.setAttribute("aria-label", `${title}: ${done} of ${screen.seats} have passed`);
  });
  const names = at("names");
  names.hidden = screen.names.length === 0;
  names.replaceChildren(...screen.names.map((name) => make("li", "", name)));
}

function drawPoll(poll) {
  at("poll").hidden = !poll;
  document.body.classList.toggle("asking", Boolean(poll));
  if (!poll) return;
  const latest = poll.rounds[poll.rounds.length - 1];
  const ask = poll.question.ask;
  if (at("ask").dataset.ask !== ask) {
    at("ask").dataset.ask = ask;
    at("ask").replaceChildren(...ask.split(/\n{2,}/).map((part) => make("p", "", part)));
  }
  const list = at("options");
  list.classList.toggle("compared", poll.rounds.length > 1);
  while (list.children.length > poll.question.options.length) list.lastChild.remove();
  const most = Math.max(1, ...poll.rounds.map((round) => round.answered));
  poll.question.options.forEach((option, place) => {
    let item = list.children[place];
    if (!item) {
      item = make("li");
      item.append(make("span", "option"), make("span", "right"), make("div", "rounds"));
      list.append(item);
    }
    const [name, right, rounds] = item.children;
    if (name.textContent !== option.text) name.textContent = option.text;
    const known = !poll.open && option.right === true;
    right.textContent = known ? "✓ right" : "";
    item.classList.toggle("known", known);
    while (rounds.children.length > poll.rounds.length) rounds.lastChild.remove();
    poll.rounds.forEach((round, number) => {
      let line = rounds.children[number];
      if (!line) {
        line = make("div", "round");
        line.append(make("meter"), make("span", "count"));
        rounds.append(line);
      }
      const count = round.counts[option.id] || 0;
      const [meter, words] = line.children;
      meter.max = most;
      meter.value = count;
      meter.setAttribute("aria-label", `${option.text}, round ${round.round}: ${count} of ${round.answered}`);
      words.textContent = poll.rounds.length > 1 ? `${round.round === 1 ? "before" : "after you talked"}: ${count}` : `${count}`;
    });
  });
  const state = poll.open ? "answers are open" : "closed";
  text("answered", `${latest.answered} ${latest.answered === 1 ? "answer" : "answers"} · ${state}`);
  const news = `${poll.poll}/${latest.round}/${poll.open}`;
  if (news !== pollState) {
    pollState = news;
    say(poll.open ? `A question: ${ask}` : `The question is closed with ${latest.answered} answers.`);
  }
}

function say(words) {
  if (words !== spoken) {
    spoken = words;
    text("spoken", words);
  }
}

at("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
setInterval(drawTimer, 250);
connect();

// Writes this hub's own address into the commands, so that they can be copied as they are.
"use strict";

const link = location.origin + location.pathname.replace(/\/$/, "");
document.getElementById("doctor").textContent = `docker-tutor doctor --workshop ${location.origin}`;
document.getElementById("join").textContent = `docker-tutor join ${link} --as NAME`;
document.getElementById("pull").textContent = `docker-tutor images pull --from ${location.origin}`;
document.getElementById("plain").hidden = location.protocol === "https:";

fetch("/api/room")
  .then((answer) => answer.json())
  .then((room) => {
    document.getElementById("images").hidden = !room.offer;
  })
  .catch(() => {}); // the page says all the rest without it

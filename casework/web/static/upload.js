// A long upload says how far it is: <form data-upload="words"> with a file. Without script the browser sends it itself.
"use strict";
for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const bar = document.createElement("progress");
    const text = document.createElement("p");
    const sending = new XMLHttpRequest();
    const stay = (leaving) => leaving.preventDefault();
    const over = () => removeEventListener("beforeunload", stay);
    text.setAttribute("role", "status");
    form.append(text, bar);
    form.querySelector("button").disabled = true;
    addEventListener("beforeunload", stay);
    sending.upload.onprogress = (step) => {
      bar.max = step.total;
      bar.value = step.loaded;
      text.textContent = `${form.dataset.upload} ${Math.floor((100 * step.loaded) / step.total)}%`;
    };
    sending.onload = () => {
      over();
      if (sending.status < 300) return location.assign(sending.responseURL);
      document.open();
      document.write(sending.responseText);
      document.close();
    };
    sending.onerror = () => {
      over();
      text.textContent = form.dataset.failed;
      bar.remove();
      form.querySelector("button").disabled = false;
    };
    sending.open("POST", form.action);
    sending.send(new FormData(form));
  });
}

// An intake's page as it is typed: saved on leaving a field and every five seconds, by one window at a time; the first
// letter typed begins the draft. Without this script every page saves when somebody goes on.
const EVERY = 5000;
const SOON = 500;
const form = document.querySelector("form[data-intake]");

const windowName = () => {
  try {
    let name = sessionStorage.getItem("intake-window");
    if (!name) {
      name = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
      sessionStorage.setItem("intake-window", name);
    }
    return name;
  } catch {
    return ""; // storage is switched off: no window is told apart
  }
};

const start = () => {
  const warning = document.getElementById("intake-warning");
  const status = document.getElementById("intake-saved");
  const person = document.getElementById("intake-person");
  const input = (name) => form.elements.namedItem(name);
  let changed = false; // since the last save was sent
  let begun = "begun" in form.dataset;
  let stopped = false;
  let leaving = false;
  let saving = null;
  let soon = 0;
  let savedAt = "";
  const left = new Set(); // inputs that were left: only what is finished is said to be wrong
  input("tab").value = windowName();

  const warn = (key, said) => {
    const words = warning.dataset[key].replace(/\{(at|what)\}/, said || savedAt || "");
    if (!warning.hidden && warning.dataset.now === words) return;
    warning.dataset.now = words;
    warning.replaceChildren(Object.assign(document.createElement("p"), { textContent: words }));
    if (key === "out") {
      const link = Object.assign(document.createElement("a"), { textContent: warning.dataset.again, className: "button button-main" });
      link.href = "/sign-in?next=" + encodeURIComponent(location.pathname + location.search);
      warning.append(link);
    } else if (key === "window" || key === "colleague") {
      const button = Object.assign(document.createElement("button"), { textContent: warning.dataset.take, className: "button button-main" });
      Object.assign(button, { name: "go", value: "take", type: "submit" });
      warning.append(button);
    }
    warning.hidden = false;
  };

  const unmark = (field) => {
    const id = `${field.id}-error`;
    if (!document.getElementById(id)?.hasAttribute("data-typed")) return;
    document.getElementById(id).remove();
    field.removeAttribute("aria-invalid");
    const others = (field.getAttribute("aria-describedby") || "").split(" ").filter((one) => one !== id);
    field.setAttribute("aria-describedby", others.join(" "));
    if (!others.join("")) field.removeAttribute("aria-describedby");
    field.closest(".field, .govuk-form-group")?.classList.remove("has-error", "govuk-form-group--error");
  };

  const mark = (field, words) => {
    const id = `${field.id}-error`;
    const known = document.getElementById(id);
    if (known) {
      known.textContent = words;
      return;
    }
    const said = Object.assign(document.createElement("p"), { id, textContent: words, className: "field-error govuk-error-message" });
    said.setAttribute("data-typed", "");
    said.setAttribute("role", "alert");
    field.before(said);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") || ""} ${id}`.trim());
    field.closest(".field, .govuk-form-group")?.classList.add("has-error", "govuk-form-group--error");
  };

  const show = (answer) => {
    savedAt = answer.saved;
    if (!begun) {
      begun = true;
      form.setAttribute("action", answer.path);
      input("started")?.remove();
      history.replaceState(null, "", `${answer.path}/step/${answer.step}`);
    }
    input("turn").value = answer.turn;
    status.textContent = status.dataset.saved.replace("{at}", answer.saved);
    warning.hidden = true;
    if (person && person.innerHTML.trim() !== answer.person.trim() && !person.contains(document.activeElement)) {
      person.innerHTML = answer.person;
    }
    const wrong = new Map(answer.wrong.map((one) => [one.id, one.text]));
    for (const field of form.querySelectorAll("input, select, textarea")) {
      if (!field.id || field.type === "hidden" || field.type === "radio") continue;
      if (!wrong.has(field.id)) unmark(field);
      else if (left.has(field.id)) mark(field, wrong.get(field.id));
    }
  };

  const send = async (go) => {
    if (go === "auto") changed = false; // "open" carries the page's name alone
    const body = new URLSearchParams(new FormData(form));
    body.set("go", go);
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin" });
      if (leaving) return;
      if (answer.ok) {
        const said = await answer.json();
        if (!said.late) return show(said);
        changed = true; // the page was left, and is here again: it learns its turn, and saves with it
        return send("open");
      }
      changed = true;
      if (answer.status === 401) stopped = warn("out") ?? true;
      else if (answer.status === 404) stopped = warn("gone") ?? true;
      else if (answer.status === 409) {
        const said = await answer.json();
        stopped = warn(said.by, said.saved) ?? true;
      } else {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const what = page.querySelector(".error-page .lead")?.textContent.trim().replace(/[。.]$/, "");
        warn(what ? "refused" : "away", what);
      }
    } catch {
      changed = true;
      if (!leaving) warn("away");
    }
  };

  const save = async (go = "auto") => {
    clearTimeout(soon);
    if (saving) await saving;
    if (stopped || leaving || (go === "auto" && !changed)) return;
    if (go === "auto") status.textContent = status.dataset.saving;
    saving = send(go);
    await saving;
    saving = null;
  };

  form.addEventListener("input", (event) => {
    changed = true;
    const isNumber = event.target.name === "applicant.id";
    if (isNumber && event.target.value.replace(/\s/g, "").length >= 18) left.add(event.target.id);
    if (!begun || isNumber) {
      clearTimeout(soon);
      soon = setTimeout(save, SOON);
    }
  });
  form.addEventListener("focusout", (event) => {
    if (event.target.id && event.target.value) left.add(event.target.id);
    save();
  });
  form.addEventListener("submit", () => {
    leaving = true;
    setTimeout(() => (leaving = false), EVERY); // the program did not answer: the page is still here
  });
  setInterval(save, EVERY, "auto");
  if (begun) save("open");
  const first = form.querySelector("input[type=text], textarea");
  if (first && !first.value && !document.querySelector(".error-summary, .govuk-error-summary") && !location.hash) first.focus();
};

if (form) start();

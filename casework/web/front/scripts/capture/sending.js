// Posts one after the other. A connection that breaks is tried again; what the node refuses does not hold the rest.
// A job ends well only when the node has answered with the page that shows it.
const WAITS_MS = [1000, 2000, 4000, 8000, 15000, 15000, 15000, 30000];
const WHOLE_BATCH = [401, 403, 413, 507]; // the next page would be refused for the same reason

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function post(address, data, progress) {
  return new Promise((done, broken) => {
    const sending = new XMLHttpRequest();
    sending.upload.onprogress = (step) => progress(step.loaded, step.total);
    sending.onload = () =>
      done({ status: sending.status, page: new DOMParser().parseFromString(sending.responseText, "text/html") });
    sending.onerror = sending.ontimeout = sending.onabort = broken;
    sending.timeout = 300000;
    sending.open("POST", address);
    sending.send(data);
  });
}

// What the node says is wrong, as it stands on the page that it answered with.
function reasonIn(page) {
  const text = (part) => part.textContent.trim().replace(/\s+/g, " ");
  const named = [...page.querySelectorAll("[role=alert] li")].map((line) => [...line.children].map(text).filter(Boolean));
  if (named.length) return named.map((parts) => `${parts.join("。")}。`).join("");
  const lines = [...page.querySelectorAll("main h1, main p")].map((line) => line.textContent.trim());
  return lines.slice(0, 4).join(" ");
}

export class Refused extends Error {
  constructor(status, page) {
    super(reasonIn(page));
    this.whole = WHOLE_BATCH.includes(status);
  }
}

export class Broken extends Error {}

// tell: { progress(loaded, total), again(number) } of one job.
async function posted(address, data, tell) {
  for (let number = 0; ; number++) {
    try {
      const { status, page } = await post(address, data, tell.progress);
      if (status >= 200 && status < 300) return page;
      throw new Refused(status, page);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (number >= WAITS_MS.length) throw new Broken();
      tell.again(number + 1);
      await pause(WAITS_MS[number]);
    }
  }
}

// run(job) is called for one job at a time; it may post several things.
export function queue(changed = () => {}) {
  const waiting = [];
  const idle = [];
  let running = false;
  async function work() {
    running = true;
    while (waiting.length) {
      changed(waiting.length);
      await waiting.shift()();
    }
    running = false;
    changed(0);
    idle.splice(0).forEach((done) => done());
  }
  return {
    add(job) {
      waiting.push(job);
      if (!running) work();
    },
    drop: () => waiting.splice(0),
    done: () => (running ? new Promise((done) => idle.push(done)) : Promise.resolve()),
    get busy() {
      return running;
    },
  };
}

export { posted };

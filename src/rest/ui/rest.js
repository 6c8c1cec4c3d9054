// REST, one request at a time, by addresses relative to the page's own.

const READ_MS = 10_000;
// As long as the worker itself may take, with another one behind it.
const WRITE_MS = 100_000;

/** The worker's refusal, in its words. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** No answer, or one that is not the worker's. */
export class Away extends Error {}

let last = Promise.resolve();

/** Sends a request after those before it have ended; gives the JSON of the answer, null when it has none. */
export function ask(method, path, body) {
  const answer = last.then(() => send(method, path, body));
  last = answer.catch(() => {});
  return answer;
}

/** `connectors/NAME/…`, whatever characters the name has. */
export function connectorPath(name, ...rest) {
  return ["connectors", encodeURIComponent(name), ...rest].join("/");
}

async function send(method, path, body) {
  const options = {
    method,
    headers: { Accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(method === "GET" ? READ_MS : WRITE_MS),
  };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer, text;
  try {
    answer = await fetch(path, options);
    text = await answer.text();
  } catch (error) {
    throw new Away(String(error));
  }
  const json = parsed(text);
  if (answer.ok) return json ?? null;
  if (typeof json?.message === "string") throw new Refusal(answer.status, json.message);
  // A proxy says so when nobody is behind it.
  if ([502, 503, 504].includes(answer.status)) throw new Away(`${answer.status}`);
  const said = answer.status === 401 ? "You are not signed in: reload the page." : text.slice(0, 300);
  throw new Refusal(answer.status, `${answer.status}: ${said}`);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

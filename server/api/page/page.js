// Renders the OpenAPI document of this server and lets a person try its GET methods.
// Everything is built from elements and text: no part of the document is ever read as HTML.
"use strict";

const verbs = ["get", "post", "patch", "put", "delete"];
const order = ["Integration", "Flow", "ConfigVariable", "IntegrationVersion", "TestInstance", "Component", "Customer", "Instance",
  "Deployment", "Execution"];

// el makes an element: el("a", {href: "#x", class: "y"}, "text", otherElement, …).
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, text] of Object.entries(attributes || {})) {
    if (text === true) node.setAttribute(key, "");
    else if (text !== false && text !== undefined) node.setAttribute(key, text);
  }
  node.append(...children.flat(9).filter((child) => child !== undefined && child !== null && child !== ""));
  return node;
}

const words = (name) => name.replace(/([a-z0-9])([A-Z])/g, "$1 $2");
const nounOf = (tag) => tag.replace(/Service$/, "");
const refName = (schema) => schema && (schema.$ref || (schema.allOf && schema.allOf[0] && schema.allOf[0].$ref) || "").split("/").pop();

// prose shows a comment: `code` in code, the rest as it is.
function prose(text) {
  // The generator lists the words of an enum behind the comment; they are shown apart.
  return (text || "").split("\n\n - ")[0].split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

function typeOf(schema) {
  if (!schema) return "";
  const ref = refName(schema);
  if (ref) return ref;
  if (schema.type === "array") return "list of " + typeOf(schema.items);
  if (schema.type === "object" && schema.additionalProperties) return "map of " + typeOf(schema.additionalProperties);
  if (schema.format === "date-time") return "RFC 3339 time";
  if (schema.format === "byte") return "base64 text";
  if (schema.enum) return "word";
  return schema.type || "any JSON";
}

// inner returns the schema whose fields stand behind a field: of a list its elements, of a map its values.
function inner(doc, schema) {
  const ref = refName(schema);
  if (ref) return [ref, doc.definitions[ref]];
  if (schema && schema.items) return inner(doc, schema.items);
  if (schema && schema.additionalProperties) return inner(doc, schema.additionalProperties);
  return ["", schema];
}

function enumWords(schema) {
  const known = ((schema && schema.enum) || []).filter((word) => !/_UNSPECIFIED$/.test(word));
  return known.length ? el("div", { class: "words" }, known.map((word) => el("code", {}, word))) : "";
}

function field(doc, name, schema, flags, seen) {
  const [ref, target] = inner(doc, schema);
  const row = (tag) => el(tag, { class: "row" },
    el("div", {}, el("span", { class: "name" }, name), el("span", { class: "type" }, typeOf(schema), flags)),
    el("div", { class: "text" }, prose(schema.description || (target && target.enum ? "" : target && target.title)), enumWords(target)));
  const nested = target && target.properties && Object.keys(target.properties).length && !seen.includes(ref);
  if (!nested) return row("div");
  const details = el("details", {}, row("summary"));
  // Filled when it is opened: schemas nest without end.
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(fields(doc, target, [...seen, ref]));
  });
  return details;
}

function fields(doc, schema, seen) {
  return el("div", { class: "fields" }, Object.entries(schema.properties).map(([name, property]) =>
    field(doc, name, property, property.readOnly ? el("span", { class: "tag" }, "set by the server") : "", seen)));
}

function schemaBlock(doc, title, schema) {
  const [ref, target] = inner(doc, schema);
  if (!target || !target.properties || !Object.keys(target.properties).length) {
    return [el("h3", {}, title), el("p", { class: "none" }, target && target.properties ? "Nothing." : typeOf(schema))];
  }
  return [el("h3", {}, title, " · ", el("span", { class: "type" }, typeOf(schema))), fields(doc, target, [ref])];
}

function parameters(doc, list) {
  if (!list.length) return [];
  const shown = list.map((p) => field(doc, p.name, p, [
    el("span", { class: "tag" }, p.in), p.required ? el("span", { class: "tag must" }, "required") : ""], []));
  return [el("h3", {}, "Parameters"), el("div", { class: "fields" }, shown)];
}

function pathOf(path) {
  return el("span", { class: "path" }, path.split(/(\{[^}]*\})/).map((part) => (part[0] === "{" ? el("i", {}, part) : part)));
}

function quote(text) {
  return "'" + text.replace(/'/g, "'\\''") + "'";
}

function snippet(text) {
  const button = el("button", { class: "plain", type: "button" }, "copy");
  const pre = el("pre", {}, text);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "copied";
    } catch {
      button.textContent = "select and copy";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  return el("div", { class: "snippet" }, pre, button);
}

// requestURL puts parameters into path and query; it returns "" while one that is needed is missing.
function requestURL(path, params, valueOf) {
  const query = new URLSearchParams();
  for (const p of params) {
    const text = valueOf(p);
    if (p.in === "path") {
      if (!text) return "";
      path = path.replace("{" + p.name + "}", encodeURIComponent(text));
    } else if (p.in === "query" && text) {
      query.set(p.name, text);
    }
  }
  return path + (query.size ? "?" + query : "");
}

function tryIt(path, params) {
  const inputs = new Map();
  const form = el("form", { class: "try" });
  for (const p of params) {
    let input = el("input", { name: p.name, autocomplete: "off", spellcheck: "false", required: p.required, placeholder: p.format || p.type || "" });
    if (p.enum) {
      input = el("select", { name: p.name }, el("option", { value: "" }, ""), p.enum.filter((w) => !/_UNSPECIFIED$/.test(w)).map((w) => el("option", {}, w)));
    } else if (p.type === "boolean") {
      input = el("select", { name: p.name }, el("option", { value: "" }, ""), el("option", {}, "true"), el("option", {}, "false"));
    }
    inputs.set(p, input);
    form.append(el("label", {}, p.name, input));
  }
  const send = el("button", { type: "submit" }, "Send");
  const status = el("span", { class: "status", role: "status" });
  const answer = el("pre", { hidden: true, tabindex: "0" });
  form.append(el("div", { class: "actions" }, send, status), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const url = requestURL(path, params, (p) => inputs.get(p).value.trim());
    if (!url) return;
    send.disabled = true;
    status.className = "status";
    status.textContent = "…";
    await show(url, status, answer);
    send.disabled = false;
  });
  return [el("h3", {}, "Try it"), form];
}

// maxShown bounds what of an answer is shown: a stream may go on for long.
const maxShown = 400000;

async function show(url, status, answer) {
  const begin = performance.now();
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    const text = await response.text();
    status.className = "status " + (response.ok ? "ok" : "bad");
    status.textContent = `${response.status} ${response.statusText} · ${Math.round(performance.now() - begin)} ms`;
    let body = text;
    // Digits of large numbers would be lost in JSON.parse, so what holds one is shown as it came.
    if (!/[0-9]{16,}/.test(text.replace(/"(\\.|[^"\\])*"/g, ""))) {
      try { body = JSON.stringify(JSON.parse(text), null, 2); } catch { /* A stream is several values: shown as it came. */ }
    }
    answer.textContent = body.length > maxShown ? body.slice(0, maxShown) + "\n…" : body;
  } catch (error) {
    status.className = "status bad";
    status.textContent = "no answer";
    answer.textContent = String(error);
  }
  answer.hidden = false;
}

function curl(method, path, params) {
  const shown = path.replace(/\{([^}]*)\}/g, (_, name) => "$" + name.replace(/([A-Z])/g, "_$1").toUpperCase());
  const lines = ["curl " + (method === "get" ? "" : "-X " + method.toUpperCase() + " ") + '"' + location.origin + shown + '"'];
  if (params.some((p) => p.in === "body")) lines.push("-H " + quote("Content-Type: application/json") + " -d " + quote("{}"));
  return lines.join(" \\\n  ");
}

function method(doc, path, verb, operation) {
  const params = operation.parameters || [];
  const body = params.find((p) => p.in === "body");
  const ok = operation.responses["200"] || {};
  const id = operation.operationId;
  const gist = (operation.summary || "").replace(/`/g, "");
  const card = el("details", { class: "card", id, "data-find": [id, path, verb, gist].join(" ").toLowerCase() },
    el("summary", {}, el("span", { class: "verb " + verb }, verb.toUpperCase()), pathOf(path), el("span", { class: "gist" }, gist)));
  card.addEventListener("toggle", () => {
    if (!card.open || card.children.length > 1) return;
    card.append(el("div", { class: "inside" },
      el("p", {}, prose([operation.summary, operation.description].filter(Boolean).join(" "))),
      verb === "get" ? tryIt(path, params) : "",
      parameters(doc, params.filter((p) => p.in !== "body")),
      body ? schemaBlock(doc, "Body", body.schema) : "",
      schemaBlock(doc, "Answer", ok.schema),
      el("h3", {}, "curl"), snippet(curl(verb, path, params)),
      el("p", { class: "none" }, "gRPC: ", el("code", {}, "headrace.v1." + id.replace("_", "/").replace(/_\d+$/, "")))));
  });
  return card;
}

function group(doc) {
  const groups = new Map((doc.tags || []).map((tag) => [tag.name, { text: tag.description, methods: [] }]));
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const verb of verbs.filter((v) => item[v])) {
      groups.get(item[verb].tags[0]).methods.push({ path, verb, operation: item[verb] });
    }
  }
  const rank = (tag) => { const i = order.indexOf(nounOf(tag)); return i < 0 ? order.length : i; };
  return [...groups].filter(([, g]) => g.methods.length).sort(([a], [b]) => rank(a) - rank(b));
}

function intro(doc) {
  return el("div", { class: "intro" }, el("h1", {}, doc.info.title), el("p", {}, prose(doc.info.description)));
}

function render(doc) {
  const main = document.getElementById("main");
  const side = document.getElementById("side");
  document.getElementById("version").textContent = doc.info.version;
  main.replaceChildren(intro(doc));
  for (const [tag, { text, methods }] of group(doc)) {
    main.append(el("section", { id: tag }, el("h2", {}, words(nounOf(tag))), el("p", {}, prose((text || "").replace(/\n/g, " "))),
      methods.map((m) => method(doc, m.path, m.verb, m.operation))));
    side.append(el("h2", {}, words(nounOf(tag))), ...methods.map((m) => el("a", { href: "#" + m.operation.operationId },
      el("span", { class: "verb " + m.verb }, m.verb.toUpperCase()), words(m.operation.operationId.split("_")[1]))));
  }
  const schemas = Object.keys(doc.definitions).sort().map((name) => {
    const card = el("details", { class: "card", id: "schema-" + name, "data-find": name.toLowerCase() },
      el("summary", {}, el("span", {}), el("span", { class: "path" }, name), el("span", { class: "gist" }, (doc.definitions[name].title || "").replace(/`/g, ""))));
    card.addEventListener("toggle", () => {
      if (!card.open || card.children.length > 1) return;
      const schema = doc.definitions[name];
      card.append(el("div", { class: "inside" },
        el("p", {}, prose([schema.description, schema.title].filter(Boolean)[0])), enumWords(schema),
        schema.properties ? fields(doc, schema, [name]) : ""));
    });
    return card;
  });
  main.append(el("section", { id: "schemas" }, el("h2", {}, "Schemas"), el("p", {}, "What the methods take and answer."), schemas));
  side.append(el("h2", {}, "Reference"), el("a", { href: "#schemas" }, "Schemas"));
}

function search(text) {
  const wanted = text.trim().toLowerCase().split(/\s+/);
  for (const section of document.querySelectorAll("main section")) {
    let any = false;
    for (const card of section.querySelectorAll(".card")) {
      const hit = wanted.every((word) => card.dataset.find.includes(word));
      card.hidden = !hit;
      any = any || hit;
    }
    section.hidden = !any;
  }
}

// follow opens what the address names.
function follow(how) {
  const id = decodeURIComponent(location.hash.slice(1));
  for (const link of document.querySelectorAll("aside a")) link.classList.toggle("here", link.getAttribute("href") === "#" + id);
  const card = id && document.getElementById(id);
  if (!card) return;
  if (card.tagName === "DETAILS") card.open = true;
  card.scrollIntoView({ behavior: how || "auto" });
}

async function start() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error("openapi.json: " + response.status);
  render(await response.json());
  const box = document.getElementById("search");
  box.addEventListener("input", () => search(box.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
    }
  });
  window.addEventListener("hashchange", () => follow());
  follow("instant");
}

start().catch((error) => {
  document.getElementById("main").replaceChildren(el("p", {}, "The reference could not be shown: " + error.message));
});

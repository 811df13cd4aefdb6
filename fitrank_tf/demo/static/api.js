// Requests to the server, relative to the page, so that it works under any path.

async function answer(address, options) {
  const response = await fetch(address, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `the server answers ${response.status}`);
  return body;
}

export const describe = () => answer("api/describe");

/** Searches; an older search that is still on its way is dropped. */
export function search(state, systems, topK, signal) {
  const asked = new URLSearchParams({ q: state.text, top_k: topK });
  if (state.photo) asked.set("photo", state.photo);
  if (state.like) asked.set("like", state.like);
  if (systems.length) asked.set("systems", systems.join(","));
  for (const [name, text] of state.filters) asked.set(`filter.${name}`, text);
  return answer(`api/search?${asked}`, { signal });
}

/** The text without what a chip was read from. */
export async function without(text, want) {
  const asked = new URLSearchParams({ q: text, facet: want.facet, denied: want.denied });
  for (const value of want.values) asked.append("value", value);
  return (await answer(`api/without?${asked}`)).text;
}

/** Sends a photo; returns the key to search by. */
export async function upload(file) {
  const headers = { "Content-Type": "application/octet-stream" };
  return (await answer("api/photos", { method: "POST", body: file, headers })).photo;
}

/** Writes a judgment; returns the query's grades. */
export async function judge(query, product, grade) {
  const body = JSON.stringify({ query, product, grade });
  const headers = { "Content-Type": "application/json" };
  return (await answer("api/judgments", { method: "POST", body, headers })).grades;
}

export const photoOf = (product) => `photo?${new URLSearchParams({ id: product })}`;
export const uploaded = (key) => `photo?${new URLSearchParams({ uploaded: key })}`;

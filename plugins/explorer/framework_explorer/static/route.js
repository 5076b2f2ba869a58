/* Addresses of what is shown: #/chat/post, #/chat/ for a namespace, ?from=server where a name goes both ways. */

const FROM_SERVER = "?from=server";

export function writeRoute(path, event = null, direction = "client", isAmbiguous = false) {
  const place = path === "/" ? "" : path.split("/").map(encodeURIComponent).join("/");
  const name = event === null ? "" : encodeURIComponent(event);
  return `#${place}/${name}${isAmbiguous && direction === "server" ? FROM_SERVER : ""}`;
}

/* Returns `{path, event, direction}`; event is null for a namespace, direction null where it is not said. */
export function readRoute(hash) {
  const isFromServer = hash.endsWith(FROM_SERVER);
  const text = hash.slice(1, isFromServer ? -FROM_SERVER.length : undefined);
  const end = text.lastIndexOf("/");
  if (end < 0) return null;
  try {
    const path = text.slice(0, end).split("/").map(decodeURIComponent).join("/");
    const event = decodeURIComponent(text.slice(end + 1));
    return { path: path || "/", event: event === "" ? null : event, direction: isFromServer ? "server" : null };
  } catch { // no address of ours
    return null;
  }
}

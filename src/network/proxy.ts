import { BlockList, isIP } from "node:net";

type Variables = Readonly<Record<string, string | undefined>>;

/** The variables that configure proxies. Their names in lower case precede those in capitals. */
export const proxyVariables = ["http_proxy", "https_proxy", "no_proxy"] as const;

/**
 * Returns the proxy for a URL by `HTTP_PROXY` (`http:`, `ws:`), `HTTPS_PROXY` (`https:`, `wss:`) and
 * `NO_PROXY`, as an address with the credentials that it may contain; null where there is none. It throws a
 * `TypeError` that names a variable without a valid address, and does not quote it. No address is excepted by
 * itself, not even that of this machine: `NO_PROXY` has to name it.
 */
export function proxyFor(url: string | URL, environment: Variables = process.env): URL | null {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "https:" || protocol === "wss:";
  const variable = secure ? "https_proxy" : "http_proxy";
  const given = read(variable, environment);
  if (given === "") return null;
  const host = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isExcepted(host, port || (secure ? "443" : "80"), read("no_proxy", environment))) return null;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const proxy = URL.canParse(address) ? new URL(address) : null;
  if (proxy === null || !/^https?:$/.test(proxy.protocol) || proxy.hostname === "") {
    throw new TypeError(
      `${variable.toUpperCase()} is no address of an HTTP proxy, such as http://proxy.example.com:3128`,
    );
  }
  return proxy;
}

/** Returns the options with which an agent of Node uses the proxy of a URL. */
export function proxyOptions(url: string | URL): { readonly proxyEnv?: NodeJS.ProcessEnv } {
  const proxy = proxyFor(url);
  return proxy === null ? {} : { proxyEnv: { http_proxy: proxy.href, https_proxy: proxy.href } };
}

function read(variable: (typeof proxyVariables)[number], environment: Variables): string {
  return (environment[variable] || environment[variable.toUpperCase()] || "").trim();
}

/**
 * Returns whether `NO_PROXY` names a host: by `*`, a name (its subdomains included), a name that begins with
 * a dot or `*.`, an address, or a block of addresses such as `10.0.0.0/8`. All but blocks may end with a
 * port.
 */
function isExcepted(host: string, port: string, list: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === "*") return true;
      if (entry.includes("/")) return isInBlock(host, entry);
      if (isIP(entry) === 6) return entry === host;
      const [, bracketed, name = "", only] = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
      if (only !== undefined && only !== port) return false;
      if (bracketed !== undefined) return bracketed === host;
      const bare = name.replace(/^\*?\./, "");
      return bare !== "" && (host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`)));
    });
}

function isInBlock(host: string, entry: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  const family = isIP(network);
  if (family === 0 || family !== isIP(host) || !/^\d+$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, Number(bits), type);
  return block.check(host, type);
}

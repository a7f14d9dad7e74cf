import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

/** What people of the provider are in, by the name that they log in with. */
const GROUPS = { cat: ["iot-admins"], dan: ["staff", "site-a"], eve: ["guests"] };

const SECRET = "a secret of the test";

/**
 * A certified OpenID Connect provider on a free port. It says who it is before it knows its clients: `serve` begins with
 * the address of the Millrace that it is for.
 */
export async function startProvider() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const serve = (page) => server.on("request", quietly(() => new Provider(issuer, configuration(page))).callback());
  return { issuer, secret: SECRET, serve, token: () => tokenOfProgram(issuer), stop: () => stop(server) };
}

function configuration(page) {
  const callback = `${page}/api/session/oidc/callback`;
  return {
    clients: [
      { client_id: "millrace", client_secret: SECRET, redirect_uris: [callback] },
      { client_id: "robot", client_secret: SECRET, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
    ],
    cookies: { keys: ["a key of the test"] },
    claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"], groups: ["groups"] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: `id-${id}`, preferred_username: id, email: `${id}@localhost`, groups: GROUPS[id] ?? [] }) }),
    extraTokenClaims: () => ({ groups: ["staff", "site-a"] }),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: "", audience: "millrace", accessTokenFormat: "jwt" }) },
    },
  };
}

/** Its warnings about keys and pages for development are known. */
function quietly(make) {
  const { info, warn } = console;
  Object.assign(console, { info: () => {}, warn: () => {} });
  try {
    return make();
  } finally {
    Object.assign(console, { info, warn });
  }
}

async function tokenOfProgram(issuer) {
  const body = new URLSearchParams({ grant_type: "client_credentials", resource: "urn:millrace" });
  const authorization = `Basic ${btoa(`robot:${encodeURIComponent(SECRET)}`)}`;
  const answer = await (await fetch(`${issuer}/token`, { method: "POST", headers: { authorization }, body })).json();
  if (!answer.access_token) throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

function stop(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

// Walks through the Graph door as Microsoft's own JavaScript clients do, and prints what it saw as one JSON object.
import { Client } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { ConfidentialClientApplication } from "@azure/msal-node";

const { URL: base, TENANT: tenant, CLIENT: client, SECRET: secret, CERT_CLIENT: certClient, CERT_FILE: certFile } = process.env;
const host = new URL(base).host;
const seen = {};

// MSAL by itself, with discovery of the tenant's own endpoints.
const msal = new ConfidentialClientApplication({
  auth: { clientId: client, clientSecret: secret, authority: `${base}/${tenant}`, knownAuthorities: [host] },
});
const token = await msal.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
seen.msal = token.tokenType;

const credential = new ClientSecretCredential(tenant, client, secret, { authorityHost: base, disableInstanceDiscovery: true });
const graph = (c) => Client.initWithMiddleware({
  baseUrl: base, customHosts: new Set([new URL(base).hostname]),
  authProvider: new TokenCredentialAuthenticationProvider(c, { scopes: ["https://graph.microsoft.com/.default"] }),
});
const g = graph(credential);

const user = (n) => ({
  accountEnabled: true, displayName: `Node ${n}`, mailNickname: `node${n}`, userPrincipalName: `node${n}@contoso.com`,
  passwordProfile: { password: "xWwvJ]6NMw+bWH-d" },
});
const made = [];
for (let n = 0; n < 5; n++) made.push(await g.api("/users").post(user(n)));
await g.api(`/users/${made[0].id}`).patch({ jobTitle: "Smith", city: "Lund" });
seen.patched = (await g.api(`/users/${made[0].userPrincipalName}`).select("jobTitle,city").get()).city;
seen.filtered = (await g.api("/users").filter("startswith(displayName,'Node')").select("displayName").top(2).get()).value.length;
const counted = await g.api("/users").header("ConsistencyLevel", "eventual").search('"displayName:Node"').count(true).get();
seen.counted = counted["@odata.count"];

// Pages, by the client's own iterator.
const { PageIterator } = await import("@microsoft/microsoft-graph-client");
let paged = 0;
const first = await g.api("/users").top(2).get();
await new PageIterator(g, first, () => { paged++; return true; }).iterate();
seen.paged = paged;

const group = await g.api("/groups").post({
  displayName: "Node group", mailEnabled: false, mailNickname: "nodegroup", securityEnabled: true,
  "members@odata.bind": made.slice(0, 2).map((u) => `https://graph.microsoft.com/v1.0/directoryObjects/${u.id}`),
});
await g.api(`/groups/${group.id}/members/$ref`).post({ "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${made[2].id}` });
seen.members = (await g.api(`/groups/${group.id}/members`).get()).value.map((m) => m.displayName);

let delta = await g.api("/users/delta").select("displayName").get();
while (delta["@odata.nextLink"]) delta = await g.api(delta["@odata.nextLink"]).get();
await g.api(`/users/${made[4].id}`).delete();
delta = await g.api(delta["@odata.deltaLink"]).get();
seen.removed = delta.value.map((v) => v["@removed"]?.reason);

const batch = await g.api("/$batch").post({
  requests: [
    { id: "1", method: "GET", url: `/users/${made[0].id}?$select=displayName` },
    { id: "2", method: "PATCH", url: `/users/${made[1].id}`, headers: { "Content-Type": "application/json" }, body: { city: "Ystad" }, dependsOn: ["1"] },
  ],
});
seen.batch = batch.responses.map((r) => r.status).sort();

try {
  await g.api("/users/nobody@contoso.com").get();
} catch (e) {
  seen.missing = [e.statusCode, e.code];
}

// A signed assertion in place of a secret.
const c = graph(new ClientCertificateCredential(tenant, certClient, { certificatePath: certFile }, { authorityHost: base, disableInstanceDiscovery: true }));
seen.certificate = (await c.api("/users").top(1).get()).value.length;

console.log(JSON.stringify(seen));

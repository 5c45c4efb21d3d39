/** The deviations of a vendor's server, in front of a server that follows the standard. */
import { Struct } from "effect"
import type { Provider } from "oidc-provider"
import type { Preset } from "../../src/internal/presets/table.js"

type Middleware = Parameters<Provider["use"]>[0]

const textOf = async (request: AsyncIterable<Buffer>) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Rejects requests that the vendor would not accept. */
export const dialect = (preset: Preset): Middleware => async (ctx, next) => {
  const {
    authorizationParameters = {},
    errorWithStatus200,
    scopeParameter,
    tokenRequestBody,
    tokenRequestHeaders = {},
    userTokenMember
  } = preset
  if (ctx.path === "/auth") {
    if (Object.entries(authorizationParameters).some(([name, value]) => ctx.query[name] !== value)) ctx.throw(400)
    const scope = String(ctx.query[scopeParameter ?? "scope"] ?? "").split(preset.scopeSeparator).join(" ")
    ctx.query = { ...ctx.query, scope }
  }
  if (ctx.path !== "/token") return next()
  if (Object.entries(tokenRequestHeaders).some(([name, value]) => ctx.get(name) !== value)) ctx.throw(406)
  if (tokenRequestBody === "json") {
    if (ctx.is("json") !== "json") ctx.throw(415)
    Object.assign(ctx.request, { body: JSON.parse(await textOf(ctx.req)) })
    ctx.req.headers["content-type"] = "application/x-www-form-urlencoded"
  }
  await next()
  const isGood = ctx.status === 200
  const tokens = preset.mayOmitExpiry === true ? Struct.omit(ctx.body, "expires_in") : ctx.body
  const isPersons = isGood && userTokenMember !== undefined && ctx.oidc.params?.["grant_type"] === "authorization_code"
  ctx.body = {
    ...(errorWithStatus200 === "ok" && { ok: isGood }),
    ...(isPersons ? { token_type: "bot", [userTokenMember]: { ...tokens, token_type: "user" } } : tokens)
  }
  if (errorWithStatus200 !== undefined) ctx.status = 200
}

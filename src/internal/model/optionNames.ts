import * as IdentityError from "../../IdentityError.js"

/** Members as AWS spells them, and the options in which callers of the service give them. */
const names: ReadonlyArray<readonly [wire: string, option: string]> = [
  ["resourceCredentialProviderName", "providerName"],
  ["workloadIdentityToken", "workloadAccessToken"],
  ["oauth2Flow", "authFlow"],
  ["resourceOauth2ReturnUrl", "callbackUrl"],
  ["paymentTokenRequest", "request"]
]

const isAt = (path: string, member: string) =>
  path === member || path.startsWith(`${member}.`) || path.startsWith(`${member}[`)

const renamed = (path: string) => {
  // Who adds one URL knows nothing of the list.
  if (isAt(path, "allowedResourceOauth2ReturnUrls")) return "url"
  const found = names.find(([wire]) => isAt(path, wire))
  return found === undefined ? path : found[1] + path.slice(found[0].length)
}

/**
 * Speaks of a broken rule in the names that the caller used.
 *
 * @internal
 */
export const inOptionNames = <E>(error: E | IdentityError.ValidationError): E | IdentityError.ValidationError => {
  if (!(error instanceof IdentityError.ValidationError)) return error
  return new IdentityError.ValidationError({
    operation: error.operation,
    requestId: error.requestId,
    reason: error.reason,
    message: error.message.replace(/'([^']*)'/g, (_, path: string) => `'${renamed(path)}'`),
    fieldList: error.fieldList?.map(({ message, name }) => ({ name: renamed(name), message }))
  })
}

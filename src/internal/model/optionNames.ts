import * as IdentityError from "../../IdentityError.js"

/** The name of an option for each member that it fills. Longer paths come first. */
export type OptionNames = ReadonlyArray<readonly [member: string, option: string]>

const isWithin = (path: string, member: string) =>
  path === member || path.startsWith(`${member}.`) || path.startsWith(`${member}[`)

const toOptionName = (optionNames: OptionNames, path: string) => {
  const found = optionNames.find(([member]) => isWithin(path, member))
  return found === undefined ? path : found[1] + path.slice(found[0].length)
}

/** Renames the fields that a `ValidationError` reports. */
export const renameFields =
  (names: OptionNames) => <E>(error: E | IdentityError.ValidationError): E | IdentityError.ValidationError => {
    if (!(error instanceof IdentityError.ValidationError)) return error
    return new IdentityError.ValidationError({
      operation: error.operation,
      requestId: error.requestId,
      reason: error.reason,
      message: error.message.replace(/'([^']*)'/g, (_, path: string) => `'${toOptionName(names, path)}'`),
      fieldList: error.fieldList?.map(({ message, name }) => ({ name: toOptionName(names, name), message }))
    })
  }

/** Reports invalid fields by the names of the service's options. */
export const withOptionNames = renameFields([
  ["resourceCredentialProviderName", "providerName"],
  ["workloadIdentityToken", "workloadAccessToken"],
  ["oauth2Flow", "authFlow"],
  ["resourceOauth2ReturnUrl", "callbackUrl"],
  ["paymentTokenRequest", "request"]
])

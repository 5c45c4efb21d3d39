import { assert, describe, it } from "@effect/vitest"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityError from "../src/IdentityError.js"
import { fromThrown, metadata } from "../src/internal/aws/exceptions.js"
import type { Stage } from "../src/internal/aws/exchange.js"
import * as reply from "../src/internal/aws/reply.js"
import { assertContains, assertEqual } from "./support/equality.js"

const operation = IdentityApi.operations.completeResourceTokenAuth

const failureOf = (thrown: unknown, stage: Stage = "Sent"): IdentityError.IdentityError =>
  fromThrown(operation, (text) => text.replaceAll("secret", "*"), stage, undefined)(thrown)

const thrownAs = (members: object, message = "") => Object.assign(new Error(message), members)

const $metadata = { httpStatusCode: 418, requestId: "r secret" }

describe("an exception of the SDK", () => {
  const checkSettings = "Check the endpoint, the clock and the settings of the SDK client"
  const passCredentials =
    "Pass `credentials`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run "
    + "where a role is attached"
  const unsigned = (called: string) =>
    `nothing was sent: the request could not be prepared or signed${called}. ${checkSettings}`
  const unidentified = (called: string) =>
    `nothing was sent, most often for want of AWS credentials${called}. ${passCredentials}`

  const network = (name: string, code: string | undefined, message = "") =>
    thrownAs({ name, ...(code !== undefined && { code }), $metadata: {} }, message)

  const transport = (reason: string, message: string) => ({ _tag: "TransportFailure", reason, message })

  const cases: ReadonlyArray<readonly [title: string, thrown: unknown, stage: Stage, expected: object]> = [
    [
      "a modelled error",
      thrownAs({ $fault: "client", name: "AccessDeniedException", $metadata }, "a secret"),
      "Sent",
      { _tag: "AccessDenied", message: "a *", requestId: "r *" }
    ],
    [
      "an error with no message",
      thrownAs({ $fault: "client", name: "AccessDeniedException", $metadata }),
      "Sent",
      { _tag: "AccessDenied", message: "HTTP 418 without a message" }
    ],
    [
      "an error whose message is that of the SDK",
      thrownAs({ $fault: "client", name: "AccessDeniedException", $metadata }, "UnknownError"),
      "Sent",
      { _tag: "AccessDenied", message: "HTTP 418 without a message" }
    ],
    [
      "an object with no message",
      { $fault: "client", name: "AccessDeniedException", $metadata },
      "Sent",
      { _tag: "AccessDenied", message: "HTTP 418 without a message" }
    ],
    [
      "an error with neither message nor status",
      thrownAs({ $fault: "client", name: "AccessDeniedException" }),
      "Sent",
      { _tag: "AccessDenied", message: "an error without a status and without a message" }
    ],
    [
      "an error of another operation",
      thrownAs({ $fault: "client", name: "ConflictException", $metadata }, "m"),
      "Sent",
      { _tag: "UnknownServiceError", code: "ConflictException", status: 418, message: "m", requestId: "r *" }
    ],
    [
      "an error whose name is a secret, without a status",
      thrownAs({ $fault: "client", name: "secret" }, "m"),
      "Sent",
      { _tag: "UnknownServiceError", code: "*", message: "m" }
    ],
    [
      "a validation error with a list",
      thrownAs({
        $fault: "client",
        name: "ValidationException",
        reason: "a secret",
        fieldList: [{ name: "n secret", message: "m secret" }, {}, null, 5]
      }, "m"),
      "Sent",
      {
        _tag: "ValidationError",
        reason: "a *",
        fieldList: [{ name: "n *", message: "m *" }, { name: "", message: "" }]
      }
    ],
    [
      "an unreadable reply",
      thrownAs({ name: "SyntaxError", $metadata: { httpStatusCode: 200 } }, "secret"),
      "Sent",
      { _tag: "UndecodableReply", message: "the reply of CompleteResourceTokenAuth (HTTP 200) could not be read" }
    ],
    [
      "an unreadable reply with the last success status",
      thrownAs({ $metadata: { httpStatusCode: 299 } }),
      "Sent",
      { _tag: "UndecodableReply" }
    ],
    ...[199, 300, 502].map((httpStatusCode) =>
      [
        `an error with status ${httpStatusCode} that cannot be read`,
        thrownAs({ $metadata: { httpStatusCode } }, "secret"),
        "Sent",
        {
          _tag: "UnknownServiceError",
          code: "Unknown",
          status: httpStatusCode,
          message: `HTTP ${httpStatusCode} without a JSON body`
        }
      ] as const
    ),
    [
      "a connection that is lost after the status",
      thrownAs({ $metadata: { httpStatusCode: 200 }, code: "ECONNRESET" }, "lost"),
      "Sent",
      transport("Connection", "no answer from the service (ECONNRESET): lost")
    ],
    ...(["ETIMEDOUT", "ESOCKETTIMEDOUT"] as const).map((code) =>
      [
        `a time-out of the socket: ${code}`,
        network("Error", code, "late"),
        "Sent",
        transport(
          "Timeout",
          `no answer from the service (${code}): late`
        )
      ] as const
    ),
    [
      "a time-out of the SDK",
      network("TimeoutError", undefined, "late\nadvice"),
      "Sent",
      transport(
        "Timeout",
        "no answer from the service (TimeoutError): late"
      )
    ],
    [
      "a reset that the SDK reports as a time-out",
      network("TimeoutError", "ECONNRESET", "reset"),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (ECONNRESET): reset"
      )
    ],
    [
      "an error of the network without a message",
      network("Error", "EPIPE"),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (EPIPE)"
      )
    ],
    [
      "an error that is not of the network",
      network("TypeError", undefined, "secret"),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (TypeError)"
      )
    ],
    [
      "an invalid code",
      network("TypeError", "a value", "value"),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (TypeError)"
      )
    ],
    [
      "a code that is too long",
      network("TypeError", "E".repeat(65), "value"),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (TypeError)"
      )
    ],
    [
      "the longest code",
      network("TypeError", "E".repeat(64), "value"),
      "Sent",
      transport(
        "Connection",
        `no answer from the service (${"E".repeat(64)}): value`
      )
    ],
    [
      "an invalid name",
      network("a value", undefined),
      "Sent",
      transport(
        "Connection",
        "no answer from the service (Unknown)"
      )
    ],
    ...["UND_ERR_SOCKET", "ERR_HTTP2_STREAM_ERROR"].map((code) =>
      [
        `a code of several words: ${code}`,
        network("TypeError", code, "lost"),
        "Sent",
        transport("Connection", `no answer from the service (${code}): lost`)
      ] as const
    ),
    ...["a ECONNRESET", "ECONNRESET of it", "ECONNRESET_", "_ECONNRESET", "econnreset", "E_a"].map((code) =>
      [
        `a text that only contains a code: ${code}`,
        network("TypeError", code, "value"),
        "Sent",
        transport("Connection", "no answer from the service (TypeError)")
      ] as const
    ),
    ...["SSOError", "SSOTokenError", "ABCDEf"].map((name) =>
      [
        `a class whose name begins with up to five capitals: ${name}`,
        network(name, undefined),
        "Sent",
        transport("Connection", `no answer from the service (${name})`)
      ] as const
    ),
    ...["the TypeError", "TypeError of it", "typeError", "ABCDEFg", "TypeErrorA", "Type1Error"].map((name) =>
      [
        `a name that may be a value: ${name}`,
        network(name, undefined),
        "Sent",
        transport("Connection", "no answer from the service (Unknown)")
      ] as const
    ),
    ["undefined", undefined, "Sent", transport("Connection", "no answer from the service (Unknown)")],
    [
      "a provider of credentials, recognised by name",
      thrownAs({ name: "CredentialsProviderError", $metadata: {} }),
      "Sent",
      {
        ...transport("Credentials", unidentified(" (CredentialsProviderError)"))
      }
    ],
    ["a provider of tokens", thrownAs({ name: "TokenProviderError", $metadata: {} }), "Sent", {
      reason: "Credentials"
    }],
    ["a provider", thrownAs({ name: "ProviderError", $metadata: {} }), "Sent", { reason: "Credentials" }],
    ["a client that was not observed and made no attempt", new TypeError("secret"), "Unobserved", {
      ...transport("Credentials", unidentified(" (TypeError)"))
    }],
    [
      "a client that was not observed, and the network",
      thrownAs({ code: "ECONNREFUSED" }, "refused"),
      "Unobserved",
      transport("Connection", "no answer from the service (ECONNREFUSED): refused")
    ],
    ["a client that was not observed, after an attempt", network("TypeError", undefined), "Unobserved", {
      reason: "Connection"
    }],
    [
      "an error of another service before credentials are available",
      thrownAs({ $fault: "client", name: "AccessDenied", $metadata }, "secret"),
      "Unidentified",
      transport("Credentials", unidentified(" (AccessDenied)"))
    ],
    [
      "an error before the request is signed",
      new TypeError("secret"),
      "Unsent",
      transport(
        "Credentials",
        unsigned(" (TypeError)")
      )
    ],
    ["an error without a class name", thrownAs({ name: "a value" }), "Unsent", transport("Credentials", unsigned(""))],
    [
      "a class name that is too long",
      thrownAs({ name: `A${"b".repeat(64)}` }),
      "Unsent",
      transport("Credentials", unsigned(""))
    ],
    [
      "the longest class name",
      thrownAs({ name: `A${"b".repeat(63)}` }),
      "Unsent",
      transport(
        "Credentials",
        unsigned(` (A${"b".repeat(63)})`)
      )
    ],
    ["no error", undefined, "Unidentified", transport("Credentials", unidentified(""))],
    [
      "a rejected reply, at any stage",
      new reply.ReplyRefused({ kind: "NotJson", status: 200, requestId: undefined }),
      "Unidentified",
      { _tag: "UndecodableReply" }
    ]
  ]
  for (const [title, thrown, stage, expected] of cases) {
    it(`becomes an error of the library: ${title} (${stage})`, () => {
      const error = failureOf(thrown, stage)
      assertContains(error, { operation: "CompleteResourceTokenAuth", ...expected })
      assert.notInclude(JSON.stringify(error), "secret")
    })
  }

  it("has no reason and no list if the service sends null", () => {
    const thrown = thrownAs({ $fault: "client", name: "ValidationException", reason: null, fieldList: null }, "m")
    const error = failureOf(thrown)
    assert.doesNotHaveAnyKeys(error, ["reason", "fieldList", "requestId"])
  })

  it("keeps the status and the request id of its metadata if their types are valid", () => {
    assertEqual(metadata({ $metadata: { httpStatusCode: 200, requestId: "r" } }), { status: 200, requestId: "r" })
    for (const  of of[{}, undefined, { $metadata: null }, { $metadata: { httpStatusCode: "200", requestId: 5 } }]) {
      assertEqual(metadata(of), { status: undefined })
    }
  })
})

/**
 * Texts with and without secrets, in three lists. Secrets are put together here from pieces that no scanner
 * takes for one, and look like their issuers' but belong to nobody.
 */

/** A text and the part of it that must be masked, exactly: no byte more, no byte less. */
export interface SecretText {
  readonly name: string;
  readonly text: string;
  readonly secret: string;
}

/** The text with its secret masked: a `*` for each byte. */
export function maskedText({ text, secret }: SecretText): string {
  return text.replace(secret, () => "*".repeat(Buffer.byteLength(secret)));
}

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";

/** `length` characters of the alphabet, in a fixed order that looks like none. */
function mixed(length: number, alphabet = UPPER + LOWER + DIGITS): string {
  return Array.from({ length }, (_, i) => alphabet[(i * i * 7 + i * 13 + 5) % alphabet.length]).join("");
}

function glue(...parts: readonly string[]): string {
  return parts.join("");
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** Appends the check digit (Luhn) that makes `digits` a card number. */
function withCheckDigit(digits: string): string {
  for (let check = 0; check < 10; check++) {
    const all = `${digits}${check}`;
    const sum = [...all].reverse().reduce((total, digit, i) => {
      const doubled = Number(digit) * (i % 2 === 0 ? 1 : 2);
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
    if (sum % 10 === 0) return all;
  }
  throw new Error(`no check digit fits ${digits}`);
}

export const JWT = [
  base64url('{"alg":"HS256","typ":"JWT"}'),
  base64url('{"sub":"42","name":"A"}'),
  mixed(43),
].join(".");
export const GITHUB_TOKEN = glue("gh", "p_", mixed(36));
export const AWS_KEY_ID = glue("AK", "IA", mixed(16, UPPER + DIGITS));
export const VISA = withCheckDigit("453201511283036");
const MASTERCARD = withCheckDigit("555544443333111");
const AMEX = withCheckDigit("37828224631000");
const PEM_BODY = `\n${mixed(64)}\n${mixed(64)}\n`;
const PEM_LINE = (edge: string, kind: string): string =>
  glue("-----", edge, " ", kind, "PRIVATE", " KEY-----");
const PASSWORD = "hunter2-Öl";

function around(name: string, before: string, secret: string, after: string): SecretText {
  return { name, text: before + secret + after, secret };
}

/** Tokens that say themselves what they are, alone and inside a sentence, a URL and JSON. */
const ISSUED: Readonly<Record<string, string>> = {
  "JSON Web Token": JWT,
  "unsigned JSON Web Token": `${base64url('{"alg":"none"}')}.${base64url('{"sub":"somebody"}')}.`,
  "AWS access key id": AWS_KEY_ID,
  "AWS session key id": glue("AS", "IA", mixed(16, UPPER + DIGITS)),
  "GitHub personal token": GITHUB_TOKEN,
  "GitHub app token": glue("gh", "s_", mixed(36)),
  "GitHub fine-grained token": glue("github", "_pat_", mixed(22), "_", mixed(59)),
  "GitLab token": glue("gl", "pat-", mixed(20)),
  "Slack bot token": glue("xo", "xb-", mixed(12, DIGITS), "-", mixed(24)),
  "Slack user token": glue("xo", "xp-", mixed(12, DIGITS), "-", mixed(32)),
  "Stripe live key": glue("sk", "_live_", mixed(24)),
  "Stripe restricted key": glue("rk", "_live_", mixed(24)),
  "Stripe webhook secret": glue("wh", "sec_", mixed(32)),
  "Google API key": glue("AI", "za", mixed(35)),
  "Google OAuth token": glue("ya", "29.", mixed(60)),
  "Google client secret": glue("GOC", "SPX-", mixed(28)),
  "OpenAI-like key": glue("s", "k-", mixed(48)),
  "OpenAI-like project key": glue("s", "k-proj-", mixed(48)),
  "Anthropic-like key": glue("s", "k-ant-api03-", mixed(80)),
  "npm token": glue("np", "m_", mixed(36)),
  "PyPI token": glue("py", "pi-", mixed(80)),
  "Hugging Face token": glue("h", "f_", mixed(34, UPPER + LOWER)),
  "SendGrid key": glue("S", "G.", mixed(22), ".", mixed(43)),
};

const ISSUED_TEXTS: readonly SecretText[] = Object.entries(ISSUED).flatMap(([name, secret]) => [
  around(`${name}, alone`, "", secret, ""),
  around(`${name}, in a sentence`, "rejected ", secret, ", expired"),
  around(`${name}, in a URL's path`, "https://example.test/v1/", secret, "?x=1"),
  around(`${name}, in JSON`, '{"id":7,"value":"', secret, '"}'),
  around(`${name}, in JSON inside JSON`, '{"body":"{\\"value\\":\\"', secret, '\\"}"}'),
]);

/** Ways a secret stands beside its name. */
const NAMED_TEXTS: readonly SecretText[] = [
  around("header", "authorization: ", `Basic ${mixed(12)}=`, "\r\naccept: */*"),
  around("header with scheme, short", "Authorization: ", "Bearer abc", ""),
  around("Bearer in a sentence", "sent Bearer ", mixed(32), " to the gateway"),
  around("bearer, lower case", "curl -H 'x-auth: bearer ", mixed(20), "'"),
  around("Basic in a sentence", "sent Basic ", "dXNlcjpwYXNz", " and got 401"),
  around("cookie header", "Cookie: ", "sid=s%3Aabc; theme=dark", "\nHost: a.test"),
  around("cookie header in a shell line", "curl -H 'Cookie: ", "a=b; c=d", "' https://a.test"),
  around(
    "cookie header, escaped line break",
    "GET / HTTP/1.1\\r\\nCookie: ",
    "a=b; c=d",
    "\\r\\nHost: a.test",
  ),
  around("set-cookie list in JSON", '{"set-cookie":["', "sid=1; Path=/", '"],"age":"3"}'),
  around("password=", "login failed for bob password=", PASSWORD, " from 10.0.0.1"),
  around("password=, quoted", 'password="', "two words", '" user=bob'),
  around("passwd:", "passwd: ", PASSWORD, ""),
  around("JSON", '{"user":"bob","password":"', 'a"b'.replace('"', '\\"'), '","age":3}'),
  around("JSON with spaces", '{ "client_secret" : "', PASSWORD, '" }'),
  around("JSON number", '{"cvv":', "123", ',"n":1}'),
  around("JSON in JSON", '{"body":"{\\"token\\":\\"', "abc", '\\",\\"n\\":1}"}'),
  around("JSON in JSON in JSON", '\\\\\\"password\\\\\\":\\\\\\"', "abc", '\\\\\\"'),
  around("JSON cut off", '{"user":"bob","password":"', "hunt", ""),
  around("camel case", '{"accessToken":"', "opaque", '"}'),
  around("environment line", "DB_PASSWORD=", "p,w)x", "\nDB_USER=app"),
  around("AWS secret", "aws_secret_access_key = ", mixed(40), "\n"),
  around("query parameter", "https://a.test/cb?x=1&access_token=", "abc.def", "&state=9"),
  around("query parameter, last", "/reset?token=", "abc", ""),
  around("query parameter, before a fragment of JSON", '"url":"/a?api_key=', "abc", '","status":200'),
  around("form field", "user%5Bpassword%5D=", "x", "&commit=1"),
  around("encoded query", "next=%2Fcb%3Ftoken%3D", "abc", "%26x%3D1"),
  around("bracketed form field", "user[password]=", "x", "&commit=1"),
  around("SQL where", "SELECT 1 FROM u WHERE name = 'bob' AND password = '", "it''s", "' LIMIT 1"),
  around("SQL identified by", "CREATE USER a IDENTIFIED BY '", "pw", "'"),
  around("SQL password", "ALTER ROLE a WITH PASSWORD '", "pw", "' VALID UNTIL 'x'"),
  around("connection string", "Server=db;Database=a;User Id=sa;Password=", "p@ss", ";Encrypt=true"),
  around("Azure storage", "AccountName=a;AccountKey=", `${mixed(64)}==`, ";EndpointSuffix=x"),
  around("XML element", "<auth><ns:password>", "x y", "</ns:password></auth>"),
  around("command-line flag", "mysqldump --password ", "x", " --all-databases"),
  around("command-line flag with =", "mysqldump --password=", "x", " --all-databases"),
  around("Ruby hash", '{"password"=>"', "x", '", "a"=>1}'),
  around("Python dict", "{'token': '", "x", "', 'a': 1}"),
  around("Java toString", "User(name=bob, password=", "x", ", age=3)"),
  around("URL password", "postgres://app:", "p%40ss", "@db:5432/shop"),
  around("URL password without user", "redis://:", "pw", "@cache:6379/0"),
  around("URL password with an @ in it", "amqp://app:", "p@ss", "@mq/vhost"),
  around("URL password in a sentence", "cannot reach https://bob:", "pw", "@a.test/x?y=1, giving up"),
  around("URL whose user is a token", "https://", `${mixed(24)}:x-oauth-basic`, "@git.test/a.git"),
  around("Go data source", "app:", "pw", "@tcp(db:3306)/shop?parseTime=true"),
  around(
    "Slack webhook",
    "POST https://",
    `hooks.slack.com/services/T${mixed(8)}/B${mixed(8)}/${mixed(24)}`,
    "",
  ),
  around("PEM key", PEM_LINE("BEGIN", "RSA "), PEM_BODY, PEM_LINE("END", "RSA ")),
  around("PEM key, cut off", `key: ${PEM_LINE("BEGIN", "")}`, `\n${mixed(40)}`, ""),
  around(
    "PEM key in JSON",
    `"${PEM_LINE("BEGIN", "EC ")}`,
    `\\n${mixed(40)}\\n`,
    `${PEM_LINE("END", "EC ")}\\n"`,
  ),
  around("card number", "charged ", VISA, "."),
  around("card number in groups", "card ", VISA.replace(/(....)(?=.)/g, "$1 "), " declined"),
  around("card number with dashes", "card=", MASTERCARD.replace(/(....)(?=.)/g, "$1-"), ""),
  around("card number, American Express", "pan:", AMEX.replace(/^(.{4})(.{6})/, "$1 $2 "), ","),
  around("card number in JSON", '{"number":', VISA, "}"),
  around("card number in a path", "/cards/", VISA, "/charge"),
];

/** Must be found, and nothing around it touched. */
export const SECRETS: readonly SecretText[] = [...ISSUED_TEXTS, ...NAMED_TEXTS];

/**
 * Secrets that are known to pass, each with what it would take. A secret listed here that is found one day
 * belongs into the list above.
 */
export const KNOWN_MISSES: readonly SecretText[] = [
  around(
    "a value named by its column's position",
    "INSERT INTO u (name, password) VALUES ('bob', '",
    "pw",
    "')",
  ),
  around("a header list that names in one element and tells in the next", '["Cookie","', "sid=abc", '"]'),
  around("a HAR header", '{"name":"Cookie","value":"', "sid=abc", '"}'),
  around("a short password option", "mysql -u root -p", "hunter2", " shop"),
  around("an object under a secret's name", '{"password":{"plain":"', "pw", '"}}'),
  around("percent-encoded JSON", "%22token%22%3A%22", "abc", "%22"),
  around("a bearer token that is one plain word", "sent Bearer ", "opensesame", " to the gateway"),
  around("an OAuth code", "/callback?code=", mixed(20), "&state=1"),
  around("base64 of credentials", "payload ", Buffer.from("user:pass").toString("base64"), ""),
  around("an Oracle connect string", "sqlplus scott/", "tiger", "@orcl"),
  around("a URL password with a slash in it", "ftp://bob:", "a/b", "@a.test"),
  around("a YAML value on the next line", "password:\n  ", "hunter2", ""),
  around("a card number of 19 digits", "card ", withCheckDigit("620000000000000000"), ""),
  around("a card number in odd groups", "card ", VISA.replace(/(..)(?=.)/g, "$1 "), ""),
  around("a secret under an unknown name", "dbpw=", "hunter2", ""),
];

/** Must stay as it is. */
export const HARMLESS: readonly string[] = [
  "550e8400-e29b-41d4-a716-446655440000",
  "00000000-0000-4000-8000-453201511283",
  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
  "45320151128303661234567890123456",
  "2026-11-22T16:55:02.123456789Z",
  "1790000000000 1790000000000000 1790000000000000000",
  "start=1790000000 end=1790000003",
  "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "commit 1f0e3dad99908345f7439f8ffabdffc4",
  "v24.21.0 1.0.0-rc.1+build.5 ^3.2.1",
  "$4,532.01 €1999.99 4532.0151128303",
  "0.4532015112830366",
  `order #${VISA}`,
  `ORD-${VISA}`,
  "order 4532015112830367",
  "order 1000000000000008",
  "+49 30 1234567 ext 4532",
  "SELECT id, name FROM users WHERE id = $1 AND state = 'open' ORDER BY created_at",
  "UPDATE users SET password = $1, token = ? WHERE id = :id",
  "UPDATE users SET password = :password WHERE id = @id",
  "SELECT password_changed_at, token_count FROM users",
  "https://shop.test/api/v1/orders?page=2&sort=asc&page_token=abc&limit=50#top",
  "http://localhost:3000/@vite/client",
  "https://cdn.test:443/npm/@scope/pkg@1.2.3/+esm",
  "ssh://git@git.test/a.git",
  "mailto:bob@example.test",
  "git@github.com:owner/name.git",
  `data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk${mixed(200)}+/AAAA==`,
  base64url('{"page":3,"after":"2026-11-22"}'),
  "tokenizer monkey=1 keyboard=2 passwordless=true secretary=bob turkey: 3 hotkey=F1 donkey:4",
  "tokens=512 max_tokens=4096 token_count=12 input_tokens: 7",
  "gen_ai.usage.input_tokens=12 time_to_first_token=0.2 cost_per_token=0.001",
  "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
  "SyntaxError: Unexpected token: punc (})",
  "System.Threading.CancellationToken cancellation_token=none",
  "next_token=abc continuation_token: 3",
  "session.id=abc123",
  "has_password=true hasToken: false",
  "password=null token: undefined secret=",
  "Password::new Token::parse cookie::jar",
  "Bearer authentication is required",
  "Basic authentication failed. Basic Authentication",
  'WWW-Authenticate: Bearer realm="shop", error="invalid_token"',
  "The password must have at least 8 characters",
  "reset your password by mail",
  "cookies are disabled",
  "at parse (webpack://app/src/token.ts:12:5)",
  "at Object.<anonymous> (/srv/app/cookie.js:10:3)",
  "class=sk-spinner-cube-grid-animation-wrapper",
  "task-4711-some-very-long-name-for-a-branch-2026",
  "npm_config_registry npm_lifecycle_event npm_package_version",
  "hf_hub_download ghp_short sk_live_ xoxb-",
  "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ bob@host",
  "AKIA is how key ids start",
  "192.168.1.23:5432 [::1]:7890 fe80::1",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.8078.73",
  "x = y == z; a => b; c := d",
  "Größe: 5 µs — 価格 100円 🦊",
  "",
];

/** Attribute keys whose values are masked, whatever they hold. */
export const SECRET_KEYS: readonly string[] = [
  "authorization",
  "Authorization",
  "http.request.header.authorization",
  "http.request.header.proxy-authorization",
  "http.request.header.cookie",
  "http.response.header.set-cookie",
  "http.response.header.set_cookie",
  "http.request.header.x-api-key",
  "http.request.header.x-csrf-token",
  "http.request.header.authorization[0]",
  "headers[Authorization]",
  "x-api-key",
  "api_key",
  "apiKey",
  "APIKEY",
  "password",
  "db.password",
  "user.passwd",
  "pwd",
  "dbPwd",
  "db_pwd",
  "newPassword",
  "password_hash",
  "token",
  "access_token",
  "accessToken",
  "refresh_token",
  "id_token",
  "auth-token",
  "authtoken",
  "x-amz-security-token",
  "session_token",
  "secret",
  "client_secret",
  "private_key",
  "privateKey",
  "ssh.private-key",
  "aws.secret_access_key",
  "AWS_SECRET_ACCESS_KEY",
  "jwt",
  "credentials",
  "card.cvv",
  "JSESSIONID",
  "connect.sid",
];

/** Attribute keys that only look like those. */
export const HARMLESS_KEYS: readonly string[] = [
  "session.id",
  "token_count",
  "gen_ai.usage.input_tokens",
  "gen_ai.token.type",
  "gen_ai.server.time_per_output_token",
  "cancellation_token_source",
  "cancellationToken",
  "next_page_token",
  "continuationToken",
  "tokenizer",
  "tokens",
  "monkey",
  "keyboard.key",
  "messaging.kafka.message.key",
  "db.primary_key",
  "cache.key",
  "public_key",
  "enduser.id",
  "secretary",
  "passwordless",
  "password_length",
  "password_changed_at",
  "has_password",
  "author",
  "authority",
  "authorization_endpoint",
  "cookie_enabled",
  "navigator.cookieEnabled",
  "http.request.header.accept",
  "pwdx",
  "cwdpwd",
  "k8s.secret.name",
  "service.version",
  "",
];

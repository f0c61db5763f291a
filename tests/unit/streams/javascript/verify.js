// Verifies a webhook as a receiver would: node verify.js SECRET < {"headers": …, "body": "…"}
const { Webhook } = require("standardwebhooks");

let text = "";
process.stdin.on("data", (chunk) => (text += chunk));
process.stdin.on("end", () => {
  const { headers, body } = JSON.parse(text);
  console.log(JSON.stringify(new Webhook(process.argv[2]).verify(body, headers)));
});

/** The shop as a page: products, search, a cart and a Pay button. With `broken`, its script fails when paying. */
export function page({ broken }: { readonly broken: boolean }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Demo shop</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  main { display: grid; grid-template-columns: 1fr 20rem; gap: 2rem; }
  ul { list-style: none; padding: 0; }
  li { display: flex; gap: .5rem; justify-content: space-between; padding: .25rem 0; border-bottom: 1px solid #ddd; }
  [role=status] { min-height: 3rem; white-space: pre-line; }
</style>
</head>
<body>
<h1>Demo shop</h1>
<main>
  <section aria-labelledby="products-title">
    <h2 id="products-title">Products</h2>
    <form id="search" role="search">
      <label>Search <input id="words" name="q" maxlength="40"></label>
      <button>Search</button>
    </form>
    <ul id="products" data-testid="products"></ul>
  </section>
  <section aria-labelledby="cart-title">
    <h2 id="cart-title">Cart</h2>
    <ul id="cart" data-testid="cart"></ul>
    <p>Total <output id="total">0.00</output></p>
    <button id="pay" data-testid="pay">Pay</button>
    <p role="status" id="status"></p>
  </section>
</main>
<script>
${SCRIPT.replace("BROKEN", String(broken))}
</script>
</body>
</html>
`;
}

/** Plain JavaScript for the page. `textContent` only, since names come from a server. */
const SCRIPT = `
const byId = (id) => document.getElementById(id);
const cartId = sessionStorage.cart ??= crypto.randomUUID();
const money = (cents) => (cents / 100).toFixed(2);

async function api(path, body) {
  const response = await fetch("/api/" + path, body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  const trace = /00-([0-9a-f]{8})/.exec(response.headers.get("server-timing") ?? "")?.[1];
  throw new Error(answer.error + (trace ? "\\nnpx gasoline show " + trace : ""));
}

function row(text, ...rest) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("span"), { textContent: text }), ...rest);
  return item;
}

function showProducts(products) {
  byId("products").replaceChildren(...products.map((product) => {
    const add = Object.assign(document.createElement("button"), { textContent: "Add" });
    add.setAttribute("aria-label", "Add " + product.name);
    add.onclick = () => act(async () => showCart(await api("carts/" + cartId + "/items", { sku: product.sku })));
    return row(product.name + (product.cents ? "  " + money(product.cents) : ""), add);
  }));
}

function showCart(cart) {
  byId("cart").replaceChildren(...cart.items.map((item) => row(item.pieces + " × " + item.sku, money(item.cents))));
  byId("total").textContent = money(cart.cents);
}

async function act(work) {
  byId("status").textContent = "";
  try {
    await work();
  } catch (error) {
    console.error("The shop could not do this", error);
    byId("status").textContent = error.message;
  }
}

async function pay() {
  const order = await api("pay", { cart: cartId, card: "card_good" });
  console.info("Paid", order);
  byId("status").textContent = "Paid. Order " + order.order;
  showCart({ items: [], cents: 0 });
}

function payWithVoucher() {
  const voucher = { code: "" };
  return voucher.discount.percent;
}

byId("pay").onclick = BROKEN ? payWithVoucher : () => act(pay);
byId("search").onsubmit = (event) => {
  event.preventDefault();
  const words = byId("words").value.trim();
  act(async () => showProducts(await api(words ? "search?q=" + encodeURIComponent(words) : "products")));
};
act(async () => {
  const { products, cart } = await api("home?cart=" + cartId);
  showProducts(products);
  showCart(cart);
});
`;

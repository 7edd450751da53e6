/** A product as the shop sells it. Prices are whole cents. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly cents: number;
}

const MATERIALS = ["Oak", "Walnut", "Steel", "Linen", "Cork", "Brass", "Wool", "Ash"];
const THINGS = [
  "Chair",
  "Desk",
  "Lamp",
  "Shelf",
  "Stool",
  "Mirror",
  "Rug",
  "Clock",
  "Tray",
  "Bench",
  "Hook",
  "Vase",
];

/** The whole range, the same in every run: 96 products from 4.90 to about 200. */
export const PRODUCTS: readonly Product[] = MATERIALS.flatMap((material, m) =>
  THINGS.map((thing, t) => ({
    sku: `${material}-${thing}`.toLowerCase(),
    name: `${material} ${thing}`,
    cents: 490 + (((m * THINGS.length + t) * 7919) % 19_500),
  })),
);

// What the server wrote into the page.
export const config = JSON.parse(document.getElementById('souk-config').textContent);

export const { endpoint, accounts, examples, playMoney, title } = config;

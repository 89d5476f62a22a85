// A picture for those who have none at hand: a painted vase, in another colour each time.
export function samplePicture() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1200, height: 900 });
  const g = canvas.getContext('2d');
  const hue = Math.floor(Math.random() * 360);

  g.fillStyle = shade(g, 0, 900, `hsl(${hue + 180} 30% 88%)`, `hsl(${hue + 180} 25% 70%)`);
  g.fillRect(0, 0, 1200, 900);
  g.fillStyle = '#8a6a4f';
  g.fillRect(0, 700, 1200, 200);
  g.fillStyle = 'rgb(0 0 0 / 20%)';
  ellipse(g, 630, 742, 230, 34);

  g.fillStyle = shade(g, 200, 760, `hsl(${hue} 62% 62%)`, `hsl(${hue} 62% 32%)`);
  g.beginPath();
  g.moveTo(530, 190);
  g.bezierCurveTo(570, 300, 330, 360, 400, 560);
  g.bezierCurveTo(430, 680, 500, 740, 520, 750);
  g.lineTo(680, 750);
  g.bezierCurveTo(700, 740, 770, 680, 800, 560);
  g.bezierCurveTo(870, 360, 630, 300, 670, 190);
  g.fill();
  g.fillStyle = `hsl(${hue} 50% 22%)`;
  ellipse(g, 600, 190, 70, 16);

  g.strokeStyle = `hsl(${hue + 45} 85% 80%)`;
  g.lineWidth = 9;
  for (const [y, half] of [[440, 188], [480, 204], [560, 200]]) {
    g.beginPath();
    g.ellipse(600, y, half, 26, 0, 0.08 * Math.PI, 0.92 * Math.PI);
    g.stroke();
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('This browser made no JPEG.'))), 'image/jpeg', 0.85);
  });
}

function shade(g, from, to, light, dark) {
  const gradient = g.createLinearGradient(0, from, 0, to);
  gradient.addColorStop(0, light);
  gradient.addColorStop(1, dark);
  return gradient;
}

function ellipse(g, x, y, rx, ry) {
  g.beginPath();
  g.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
  g.fill();
}

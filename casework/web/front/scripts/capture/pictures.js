// Pictures in the browser: decoded upright, bounded to what the node keeps, and turned into JPEG.
const EDGE_PIXELS = 2560;
const QUALITY = 0.88;
const PHOTOS = ["image/jpeg", "image/png", "image/webp"];

export const canBeCut = (file) => PHOTOS.includes(file.type);

function drawn(source, width, height, turn = 0, edge = EDGE_PIXELS) {
  const scale = Math.min(1, edge / Math.max(width, height));
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = turn % 180 ? [h, w] : [w, h];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate((turn * Math.PI) / 180);
  pen.drawImage(source, -w / 2, -h / 2, w, h);
  return canvas;
}

export const small = (canvas, edge) => drawn(canvas, canvas.width, canvas.height, 0, edge);
export const ofVideo = (video, turn) => drawn(video, video.videoWidth, video.videoHeight, turn);

// null where this browser cannot decode the file: then the node has the last word on it.
export async function ofFile(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return drawn(image, image.naturalWidth, image.naturalHeight);
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

export const toFile = (canvas, name) =>
  new Promise((done, failed) => {
    const take = (blob) => (blob ? done(new File([blob], name, { type: "image/jpeg" })) : failed(new Error(name)));
    canvas.toBlob(take, "image/jpeg", QUALITY);
  });

// A picture as it is sent: bounded; one that is small and a JPEG already goes as it is.
export async function bounded(file, canvas) {
  if (!canvas || (file.type === "image/jpeg" && file.size < 600 * 1024)) return file;
  return toFile(canvas, file.name.replace(/\.\w+$/, "") + ".jpg");
}

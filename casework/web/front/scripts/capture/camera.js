// The live picture of a webcam or document camera. Which camera, and how its picture stands, is remembered on this PC.
const CAMERA = "capture.camera";
const TURN = "capture.turn";

export const allowed = () => Boolean(window.isSecureContext && navigator.mediaDevices && navigator.mediaDevices.getUserMedia);

function recall(name) {
  try {
    return localStorage.getItem(name) || "";
  } catch {
    return "";
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing asks for the camera again next time.
  }
}

export function camera(video, choice) {
  let stream = null;
  let turn = Number(recall(TURN)) || 0;

  const stand = () => video.setAttribute("data-turn", String(turn));

  async function list() {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
    const now = stream ? stream.getVideoTracks()[0].getSettings().deviceId : "";
    choice.replaceChildren(
      ...devices.map((device, number) => {
        const option = new Option(device.label || `${choice.dataset.word} ${number + 1}`, device.deviceId);
        option.selected = device.deviceId === now;
        return option;
      }),
    );
    choice.disabled = devices.length < 2;
  }

  async function open(id = recall(CAMERA)) {
    close();
    const wanted = { width: { ideal: 2560 }, height: { ideal: 1920 } };
    const which = id ? { deviceId: { ideal: id } } : { facingMode: { ideal: "environment" } };
    stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...which }, audio: false });
    video.srcObject = stream;
    await video.play();
    stand();
    await list();
  }

  function close() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
  }

  choice.addEventListener("change", () => {
    remember(CAMERA, choice.value);
    open(choice.value);
  });
  return {
    open,
    close,
    get live() {
      return Boolean(stream && stream.active && video.videoWidth);
    },
    get turn() {
      return turn;
    },
    rotate() {
      turn = (turn + 90) % 360;
      remember(TURN, String(turn));
      stand();
    },
  };
}

// What somebody wants of the inbox in this browser. Sound and notices are off until they say otherwise.

const KEY = "inbox-wishes";

interface Kept {
  sound: boolean;
  notices: boolean;
  panel: boolean;
  hold: number;
}

const otherwise: Kept = { sound: false, notices: false, panel: innerWidth >= 1100, hold: 5 };

class Wishes implements Kept {
  sound = $state(false);
  notices = $state(false);
  panel = $state(true);
  hold = $state(5);

  constructor() {
    try {
      Object.assign(this, otherwise, JSON.parse(localStorage.getItem(KEY) ?? "{}"));
    } catch {
      Object.assign(this, otherwise);
    }
    if (innerWidth < 1100) this.panel = false;
  }

  keep(): void {
    localStorage.setItem(KEY, JSON.stringify({ sound: this.sound, notices: this.notices, panel: this.panel, hold: this.hold }));
  }
}

export const wishes = new Wishes();

export function beep(): void {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.setValueAtTime(0.06, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + 0.35);
  tone.frequency.value = 660;
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.35);
}

export function notify(title: string, text: string, tag: string, act: () => void): void {
  if (window.Notification?.permission !== "granted") return;
  const notice = new Notification(title, { body: text, tag });
  notice.onclick = () => {
    window.focus();
    notice.close();
    act();
  };
}

// Inverts several photos with one progress bar for all of them. Ctrl-C stops the work; the same command continues it.
//
//     swift run -c release --package-path Examples Batch [folder]

import Dispatch
import EmojiScenes
import Foundation
import NullTextInversion

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? ".", isDirectory: true)
let photos = [
  ("100000000042", "a tiger on grass"), ("100000000006", "a penguin on sand"),
  ("600000000051", "a fox next to a strawberry on sand"),
]

let work = Task {
  let editor = try await ImageEditor(model: .emojiScenes)
  for (index, (number, caption)) in photos.enumerated() {
    let photo = try RGBImage(contentsOf: EmojiScenes.picture(number))
    // Finished inversions are reused, and interrupted ones continue.
    let files = InversionFiles(result: folder.appending(path: "\(number).nti"), reusesResult: true)
    let inverted = try await editor.invert(
      image: photo, caption: caption, options: .fast, files: files
    ) { progress in
      let done = (Double(index) + progress.fraction) / Double(photos.count)
      let bar = String(repeating: "#", count: Int(40 * done)).padding(
        toLength: 40, withPad: ".", startingAt: 0)
      let left = progress.remaining.map { ", at most \($0.formatted(.units(width: .narrow))) left" } ?? ""
      FileHandle.standardError.write(Data("\r[\(bar)] \(caption)\(left)\u{1B}[K".utf8))
    }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    print("\(number).nti: \(inverted.inversion.psnr) dB")
  }
}

signal(SIGINT, SIG_IGN)
let interruption = DispatchSource.makeSignalSource(signal: SIGINT, queue: .main)
interruption.setEventHandler { work.cancel() }
interruption.resume()

do {
  try await work.value
} catch is CancellationError {
  print("\nStopped. Run the same command again to continue.")
}

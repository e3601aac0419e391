// Inverts a photo and swaps the animal in it: all of the library's main road, in five lines.
//
//     swift run -c release --package-path Examples InvertAndEdit [folder]

import EmojiScenes
import Foundation
import NullTextInversion

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? ".", isDirectory: true)
let photoURL = try EmojiScenes.picture("100000000042")

let editor = try await ImageEditor(model: .emojiScenes)
let photo = try RGBImage(contentsOf: photoURL)
let inverted = try await editor.invert(image: photo, caption: "a tiger on grass")
try inverted.inversion.write(to: folder.appendingPathComponent("tiger.nti"))

var options = EditOptions()
options.guidance = 3  // this small model's edits look best at 2.5 to 4
let fox = try await inverted.edit(prompt: "a fox on grass", options: options)
try fox.image.write(to: folder.appendingPathComponent("fox.png"))

print(
  "The photo is reproduced at \(inverted.inversion.psnr) dB; fox.png and tiger.nti are in \(folder.path).")

// Edits one photo in six ways and writes a contact sheet of the results.
//
//     swift run -c release --package-path Examples PhotoBooth [folder]

import EditEvaluation
import EmojiScenes
import Foundation
import NullTextInversion

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? ".", isDirectory: true)
let caption = "a fox next to a strawberry on sand"
let prompts = [
  "a cat next to a strawberry on sand", "a fox next to a strawberry in snow",
  "a fox next to a blue strawberry on sand", "a sketch of a fox next to a strawberry on sand",
  "a fox on sand", "a cat next to a strawberry at sunset",
]

let editor = try await ImageEditor(model: .emojiScenes)
let photo = try RGBImage(contentsOf: EmojiScenes.picture("600000000051"))
let inverted = try await editor.invert(
  image: photo, caption: caption, options: InversionOptions(method: .direct))

var cells = [ContactSheet.Cell(try await inverted.reconstruction(), label: "the photo")]
for prompt in prompts {
  // The model's recommended settings for this kind of edit.
  let options = editor.recommendation.editOptions(from: caption, to: prompt)
  let edit = try await inverted.edit(prompt: prompt, options: options)
  cells.append(ContactSheet.Cell(edit.image, label: prompt))
}
let sheet = folder.appending(path: "photo-booth.png")
try ContactSheet(cells, columns: 4).rendered().write(to: sheet)
print("The photo and \(prompts.count) edits are in \(sheet.path).")

// Shows one part of a sequence at a time: by a slider, or by a list to choose from where the
// parts have no order (data-pick). Without this script all parts are visible.
function(box){
  var frames=Array.from(box.firstElementChild.children),axis=box.dataset.axis,pick=box.hasAttribute('data-pick'),all=false,
  bar=document.createElement('div'),label=document.createElement('label'),choose=document.createElement(pick?'select':'input'),
  say=document.createElement('output'),b=document.createElement('button');
  bar.className='whybook-bar';
  if(pick)frames.forEach(function(f,i){
    var o=document.createElement('option');o.value=i;o.textContent=f.dataset.n;choose.append(o)});
  else{choose.type='range';choose.min=0;choose.max=frames.length-1}
  choose.value=box.dataset.start||0;
  label.append(axis+' ',choose);
  b.type='button';b.textContent='Show all';b.setAttribute('aria-pressed',false);
  bar.append(label,say,b);box.prepend(bar);
  function show(){
    var at=+choose.value,n=frames[at].dataset.n;
    frames.forEach(function(f,i){f.hidden=!all&&i!==at});
    say.textContent=(pick?'':n+' ')+'('+(at+1)+' of '+frames.length+')';
    if(!pick)choose.setAttribute('aria-valuetext',n)}
  choose.oninput=show;
  b.onclick=function(){all=!all;choose.disabled=all;box.toggleAttribute('data-all',all);b.setAttribute('aria-pressed',all);show()};
  // The arrow keys also work elsewhere in the box, but not from another control in it.
  box.onkeydown=function(e){
    var d={ArrowLeft:-1,ArrowRight:1}[e.key],t=e.target;
    if(!d||all||t!==choose&&t.closest('input,select,button,summary,a,[tabindex]'))return;
    e.preventDefault();e.stopPropagation();
    choose.value=Math.min(frames.length-1,Math.max(0,+choose.value+d));show()};
  show()}
